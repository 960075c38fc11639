// Runs in the client's namespace: knocker.js HOST PORT,PORT... SERVICE GIVE_UP_MS. Knocks at each SIGUSR2. Prints
// milliseconds or `missed`, and `shut` once the port refuses connections again.
import { on } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { connects, openAfterKnock } from './knocks.ts'

/** Milliseconds between two looks whether the port is shut again. */
const LOOK_MS = 20

const [host = '', ports = '', service = '', giveUp = ''] = process.argv.slice(2)
const sequence = ports.split(',').map(Number)
const knocking = { at: host, look: host, sequence, service: Number(service), giveUpMs: Number(giveUp) }

const signals = on(process, 'SIGUSR2')
// The iterator alone does not keep the process alive.
setInterval(() => undefined, 60_000)
console.log('ready')
for await (const _ of signals) {
  const ms = await openAfterKnock(knocking)
  console.log(ms === undefined ? 'missed' : ms.toFixed(3))
  while (await connects(knocking)) await sleep(LOOK_MS)
  console.log('shut')
}
