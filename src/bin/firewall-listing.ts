#!/usr/bin/env node
// Loads what comes in on standard input into the firewall of this network namespace, and lists a table of it, by names if `names` follows.
import { readFileSync } from 'node:fs'
import { Firewall } from '../base/firewall.ts'

const firewall = new Firewall()
try {
  firewall.run(readFileSync(0, 'utf8'))
  process.stdout.write(firewall.list(process.argv[2] ?? '', process.argv[3] === 'names') ?? '')
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
