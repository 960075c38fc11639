// Runs in the client's namespace: knocker.js ORDERS (JSON). Knocks at each party in turn, each time from an address of its
// own, so that no opening is waited for to end. Prints `NAME MILLISECONDS` or `NAME missed` for each.
import { setTimeout as sleep } from 'node:timers/promises'
import { openAfterKnock } from '../knocks.ts'
import type { Knocking } from '../knocks.ts'

/** Milliseconds between two knocks: the door reads its list again meanwhile. */
const BETWEEN_MS = 30

/** A door, and the sequences that open it, one after the other. */
export interface Party extends Omit<Knocking, 'sequence' | 'from'> {
  readonly name: string
  readonly sequences: readonly (readonly number[])[]
}

const parties = JSON.parse(process.argv[2] ?? '[]') as readonly Party[]
let knocks = 0
for (const round of parties[0]!.sequences.keys()) {
  for (const { name, sequences, ...rest } of parties) {
    const from = `10.77.${1 + (knocks >> 8)}.${knocks & 0xff}`
    knocks++
    const ms = await openAfterKnock({ ...rest, sequence: sequences[round]!, from })
    console.log(`${name} ${ms === undefined ? 'missed' : ms.toFixed(3)}`)
    await sleep(BETWEEN_MS)
  }
}
