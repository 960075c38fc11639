#!/usr/bin/env node
import { postern } from '../operator/postern.ts'

process.exitCode = await postern(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
