#!/usr/bin/env node
import { postern } from '../operator/postern.ts'
import { outputOf } from './output.ts'

/** As a shell shows it that a process was ended by SIGPIPE: 128 and its number. */
const NOBODY_READS = 141

// `postern … | head` is no failure.
const code = await postern(
  process.argv.slice(2),
  outputOf('postern', () => process.exit(NOBODY_READS)),
)
process.exitCode = code === 0 ? (process.exitCode ?? 0) : code
