#!/usr/bin/env node
import { onThisNode } from './node.ts'

onThisNode('postern', async () => {
  const [{ postern }, { endWith, outputOf }, { SIGNALLED }] = await Promise.all([
    import('../postern/postern.ts'),
    import('./output.ts'),
    import('../cli/exit-code.ts'),
  ])
  // `postern … | head` is no failure.
  endWith(
    await postern(
      process.argv.slice(2),
      outputOf('postern', () => process.exit(SIGNALLED.SIGPIPE)),
    ),
  )
})
