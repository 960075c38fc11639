#!/usr/bin/env node
import { client } from '../client/client.ts'

process.exitCode = await client(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
})
