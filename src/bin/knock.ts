#!/usr/bin/env node
import { onThisNode } from './node.ts'

onThisNode('knock', async () => {
  // One after another: Node.js 20 can fail to link modules that are loaded at the same time.
  const { client } = await import('../client/client.ts')
  const { endWith, outputOf } = await import('./output.ts')
  endWith(await client(process.argv.slice(2), outputOf('knock')))
})
