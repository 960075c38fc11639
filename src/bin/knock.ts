#!/usr/bin/env node
import { onThisNode } from './node.ts'

onThisNode('knock', async () => {
  const [{ client }, { endWith, outputOf }] = await Promise.all([import('../client/client.ts'), import('./output.ts')])
  endWith(await client(process.argv.slice(2), outputOf('knock')))
})
