// Goal: somebody with a certificate of etcd deletes records as fast as it goes, and repeats all that hosts ever wrote, while captured
// secrets that were used are presented at a host that is started again and again, and at hosts that run: none opens twice.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Etcd } from '../../src/etcd/client.ts'
import { MemoryDisk } from '../../src/state/disk-fake.ts'
import type { Redemption } from '../../src/state/ledger.ts'
import { SLOW } from '../slow.ts'
import { EtcdCluster, etcdProgram } from './etcd.ts'
import { caughtUp, LEDGER_KEYS, ledgerHost } from './ledger-host.ts'
import type { LedgerHost } from './ledger-host.ts'
import { IS_ROOT } from './net.ts'

const ROUNDS = SLOW ? 200 : 6
const LIMIT_MS = 600_000
const DAY_MS = 86_400_000
/** Records that the attacker puts back, of all that was ever written. */
const REPEATED = 8

let cluster: EtcdCluster
beforeAll(async () => {
  if (IS_ROOT) cluster = await EtcdCluster.start()
}, LIMIT_MS)
afterAll(async () => await cluster.close(), LIMIT_MS)

/** Somebody who may write to etcd. */
class Attacker {
  readonly #etcd: Etcd
  readonly #written: { readonly key: string; readonly value: string }[] = []
  readonly #there = new Set<string>()
  #isOver = false
  deleted = 0
  readonly #over: Promise<void>

  constructor(etcd: Etcd) {
    this.#etcd = etcd
    etcd.watch(LEDGER_KEYS.claimNews, {
      listed: () => undefined,
      changed: (events) => {
        for (const { type, kv } of events) {
          if (type === 'delete') this.#there.delete(kv.key)
          else {
            this.#there.add(kv.key)
            this.#written.push(kv)
            if (kv.key.startsWith(LEDGER_KEYS.claims)) void this.#delete(kv.key)
          }
        }
      },
      state: () => undefined,
    })
    this.#over = this.#repeat()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#over
  }

  async #delete(key: string): Promise<void> {
    this.deleted++
    await this.#etcd.delete(key).catch(() => undefined)
  }

  async #repeat(): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      for (const key of this.#there) await this.#delete(key)
      const old = this.#written.slice(0, -1)
      for (let each = 0; each < Math.min(REPEATED, old.length); each++) {
        const { key, value } = old[(turn * REPEATED + each) % old.length]!
        if (key.startsWith(LEDGER_KEYS.catchUp)) await this.#etcd.put(key, value).catch(() => undefined)
      }
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

const above = (value: number) => (present?: string) => (Number(present ?? -1) < value ? String(value) : undefined)

/** The use of a secret of each kind, by its number. */
function useOf(round: number): (host: LedgerHost) => Promise<Redemption> {
  const until = Date.now() + DAY_MS
  switch (round % 3) {
    case 0:
      return async ({ ledger }) => await ledger.claim('ssh', `mark ${round}`)
    case 1:
      return async ({ ledger }) => await ledger.advance(`counter ${round % 7}`, above(round), { door: 'ssh' })
    default:
      return async ({ ledger }) => await ledger.advance(`digest ${round}`, above(0), { door: 'ssh', until })
  }
}

describe.runIf(IS_ROOT && (await etcdProgram('3.4')) !== undefined)('records that are removed', () => {
  test('open nothing twice', { timeout: LIMIT_MS }, async () => {
    const [a, b] = [await ledgerHost(cluster.access(), 'a'), await ledgerHost(cluster.access(), 'b')]
    await caughtUp(a, b)
    const attacker = new Attacker(cluster.client())
    let [opened, twice, refused, lost] = [0, 0, 0, 0]
    for (let round = 0; round < ROUNDS; round++) {
      const use = useOf(round)
      // At first at one host, as its owner does, and at another one that runs at the same moment.
      const first = await Promise.all([use(a), use(b)])
      const wins = first.filter((each) => each === 'won').length
      // Then at one that was started this moment, with its disk or without, and at all that run, several times.
      const restarted = await ledgerHost(cluster.access(), 'c', { disk: new MemoryDisk() })
      const again: Redemption[] = []
      for (let times = 0; times < 3; times++) again.push(...(await Promise.all([restarted, a, b].map(use))))
      restarted.close()
      const won = wins + again.filter((each) => each === 'won').length
      opened += Math.min(1, won)
      twice += Math.max(0, won - 1)
      refused += again.filter((each) => typeof each === 'object').length
      lost += again.filter((each) => each === 'lost').length
    }
    await attacker.stop()
    console.log(
      `${ROUNDS} secrets: ${opened} opened, ${twice} twice; ${lost} lost, ${refused} refused; ${attacker.deleted} records deleted`,
    )
    for (const each of [a, b]) each.close()
    expect(twice).toBe(0)
    expect(opened).toBeGreaterThan(ROUNDS / 2)
    expect(attacker.deleted).toBeGreaterThan(ROUNDS)
  })

  test('a host that nobody answers goes on alone although a node is down', { timeout: LIMIT_MS }, async () => {
    const down = ((await cluster.leader()) + 1) % cluster.size
    await cluster.kill(down)
    const alone = await ledgerHost(cluster.access(), 'alone')
    await caughtUp(alone)
    expect(await alone.ledger.claim('ssh', 'alone')).toBe('won')
    alone.close()
    cluster.start(down)
    await cluster.healthy()
  })
})
