// watchers.js FLEET_CONF...: hosts of a fleet that watch, one for each file, without a journal. Prints `seeing` once all of
// them do, and `told REVISION NS` when the last of them was told of a claim: nanoseconds of the machine's steady clock.
import { setTimeout as sleep } from 'node:timers/promises'
import { FakeLedger } from '../../src/state/ledger-fake.ts'
import { simulatedMember } from './simulated.ts'
import type { MemberStore } from './simulated.ts'

/** Milliseconds between two looks at the state of the watches. */
const LOOK_MS = 50

const counts = new Map<string, number>()
const members = process.argv.slice(2).map((conf, _index, { length }) => {
  const { member } = simulatedMember(conf, memoryStore(), new FakeLedger())
  // Behind the claims, which listen first.
  member.news.on(member.keyspace.claims, {
    listed: () => undefined,
    changed: (changes) => {
      for (const { kv } of changes) tell(kv.modRevision, length)
    },
  })
  member.start()
  return member
})
while (members.some(({ news }) => news.state !== 'seeing')) await sleep(LOOK_MS)
console.log('seeing')
// What connections hold is no reason to stay.
setInterval(() => undefined, 60_000)

function tell(revision: string, all: number): void {
  const count = (counts.get(revision) ?? 0) + 1
  counts.set(revision, count)
  if (count < all) return
  counts.delete(revision)
  console.log(`told ${revision} ${process.hrtime.bigint()}`)
}

function memoryStore(): MemberStore {
  const values = new Map<string, string>()
  return {
    newest: (key) => values.get(key),
    keys: function* () {
      yield* values.keys()
    },
    advance: async (key, value) => {
      values.set(key, value)
      return await Promise.resolve(true)
    },
    forget: async (key) => {
      values.delete(key)
      await Promise.resolve()
    },
  }
}
