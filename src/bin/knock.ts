#!/usr/bin/env node
import { onThisNode } from './node.ts'

onThisNode('knock', async () => {
  // One after another: Node.js 20 can fail to link modules that load at the same time (nodejs/node#52187).
  const { client } = await import('../client/client.ts')
  const { endWith, outputOf } = await import('./output.ts')
  endWith(await client(process.argv.slice(2), outputOf('knock')))
})
