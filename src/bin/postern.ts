#!/usr/bin/env node
import { onThisNode } from './node.ts'

onThisNode('postern', async () => {
  // One after another: Node.js 20 can fail to link modules that load at the same time (nodejs/node#52187).
  const { postern } = await import('../postern/postern.ts')
  const { endWith, outputOf } = await import('./output.ts')
  const { SIGNALLED } = await import('../cli/exit-code.ts')
  // `postern … | head` is no failure.
  endWith(
    await postern(
      process.argv.slice(2),
      outputOf('postern', () => process.exit(SIGNALLED.SIGPIPE)),
    ),
  )
})
