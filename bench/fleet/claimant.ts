// claimant.js FLEET_CONF JOURNAL WAITING SECONDS: a host of a fleet that claims secrets at SIGUSR2, each a new one, with so
// many that wait at a time. Prints `seeing` once it sees the fleet, and then its claims as JSON (Claimed).
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { JournalLedger } from '../../src/state/journal-ledger.ts'
import { openStore } from '../../src/state/store.ts'
import { tryLock } from '../../src/native/libc.ts'
import { simulatedMember } from './simulated.ts'

/** The claims of a host: milliseconds of each that was won, and the number of those that had no answer in time. */
export interface Claimed {
  readonly won: readonly number[]
  readonly refused: number
}

const LOOK_MS = 50
const SECOND_MS = 1_000

const [conf = '', journal = '', waiting = '', seconds = ''] = process.argv.slice(2)
const { store } = await openStore(journal, { lock: tryLock, pid: process.pid })
const { member, ledger } = simulatedMember(conf, store, new JournalLedger(store))
member.start()
while (member.news.state !== 'seeing' || member.status.waiting !== undefined) await sleep(LOOK_MS)
const start = once(process, 'SIGUSR2')
const alive = setInterval(() => undefined, 60_000)
console.log('seeing')
await start
const won: number[] = []
let refused = 0
const end = performance.now() + Number(seconds) * SECOND_MS
let count = 0
await Promise.all(Array.from({ length: Number(waiting) }, claimOn))
const claimed: Claimed = { won, refused }
console.log(JSON.stringify(claimed))
clearInterval(alive)
member.close()
await store.close()

/** Claims one secret after the other until the time is over. */
async function claimOn(): Promise<void> {
  while (performance.now() < end) {
    const begun = performance.now()
    const redemption = await ledger.claim('ssh', `${conf} ${++count}`)
    if (redemption === 'lost') throw new Error('a new secret was lost')
    if (redemption === 'won') won.push(performance.now() - begun)
    else refused++
  }
}
