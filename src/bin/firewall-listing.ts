#!/usr/bin/env node
// Loads rules from standard input into the firewall of this network namespace, and prints its listings of the tables named, as JSON.
// Behind `names` the listings are those for people.
import { readFileSync } from 'node:fs'
import { Firewall } from '../base/firewall.ts'

const byName = process.argv[2] === 'names'
const tables = process.argv.slice(byName ? 3 : 2)
const firewall = new Firewall()
try {
  firewall.run(readFileSync(0, 'utf8'))
  process.stdout.write(JSON.stringify(tables.map((table) => firewall.list(table, byName) ?? '')))
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
