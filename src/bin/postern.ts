#!/usr/bin/env node
import { postern } from '../operator/postern.ts'

/** As a shell shows it that a process was ended by SIGPIPE: 128 and its number. */
const NOBODY_READS = 141

// `postern … | head` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(NOBODY_READS)
  throw error
})

process.exitCode = await postern(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
