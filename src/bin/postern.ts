#!/usr/bin/env node
import { onThisNode } from './node.ts'

/** As a shell shows it that a process was ended by SIGPIPE: 128 and its number. */
const NOBODY_READS = 141

onThisNode('postern', async () => {
  const [{ postern }, { endWith, outputOf }] = await Promise.all([
    import('../operator/postern.ts'),
    import('./output.ts'),
  ])
  // `postern … | head` is no failure.
  endWith(
    await postern(
      process.argv.slice(2),
      outputOf('postern', () => process.exit(NOBODY_READS)),
    ),
  )
})
