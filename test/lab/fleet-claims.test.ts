// Goal: three real etcd nodes and five hosts: every kind of secret, presented to two and to five hosts at once, through
// failures of the nodes: each opens once at most, exactly once while a majority answers, and not again afterwards.
import { getPriority, setPriority } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatUsed, isUnused, parseUsed, withUsed } from '../../src/secret/used-periods.ts'
import { MemoryDisk } from '../../src/state/disk-fake.ts'
import type { Redemption } from '../../src/state/ledger.ts'
import { SLOW, slowly } from '../slow.ts'
import { EtcdCluster, etcdProgram } from './etcd.ts'
import { caughtUp, ledgerHost } from './ledger-host.ts'
import type { LedgerHost } from './ledger-host.ts'
import { Majority } from './majority.ts'
import { IS_ROOT } from './net.ts'
import { until } from './process.ts'

/** Rounds of each phase: in all more than 10,000 with SLOW. */
const ROUNDS = SLOW ? 1_600 : 20
/** Secrets that are presented to a host that is cut off, which waits for an answer to each. */
const ALONE = SLOW ? 20 : 2
const EVERY_MS = SLOW ? 12 : 80
/** Milliseconds for which a node that was killed is away once the others have a leader. */
const AWAY_MS = SLOW ? 3_000 : 500
/** Secrets whose value rises: more than are under way at once. */
const KEYS = 500
const LIMIT_MS = 900_000
const DAY_MS = 86_400_000
/** A majority that answered for so many milliseconds before a refusal would have decided the claim. */
const ANSWERS_MS = 1_500
/** The share of secrets that may be refused all the same. */
const STARVED_SHARE = 0.002
const QUOTA_BYTES = SLOW ? 48_000_000 : 16_000_000
const HOSTS = ['a', 'b', 'c', 'd', 'e']
/** Milliseconds by which the clocks of the hosts are wrong. */
const CLOCKS = [0, 9_000, -9_000, 4_000, 0]

let cluster: EtcdCluster
let hosts: LedgerHost[]
/** With SLOW. */
let majority: Majority | undefined

async function host(
  name: string,
  aheadMs = 0,
  disk = new MemoryDisk(),
  nodes?: readonly number[],
): Promise<LedgerHost> {
  return await ledgerHost(cluster.access(nodes), name, { aheadMs, disk })
}

const once = (present?: string): string | undefined => (present === undefined ? '1' : undefined)

type Use = (host: LedgerHost) => Promise<Redemption>

/** A secret of each kind, by its number: as one-time lists, clients of Postern, codes, knockknock and fwknop have them. */
function secretOf(round: number): { readonly kind: string; readonly use: Use } {
  const day = Date.now() + DAY_MS
  const rising = (kind: string, text: string): Use => {
    const next = (present = ''): string | undefined => (text > present ? text : undefined)
    return async ({ ledger }) => await ledger.advance(`${kind}\n${round % KEYS}`, next, { door: 'ssh' })
  }
  switch (round % 5) {
    case 0:
      return { kind: 'one-time', use: async ({ ledger }) => await ledger.claim('ssh', `mark ${round}`) }
    case 1:
      return { kind: 'packet', use: rising('spa', String(round).padStart(12, '0')) }
    case 2: {
      const next = (present?: string): string | undefined => {
        const used = parseUsed(present, 30)
        return isUnused(used, round) ? formatUsed(withUsed(used, round)) : undefined
      }
      const key = `totp\n${round % KEYS}`
      return { kind: 'code', use: async ({ ledger }) => await ledger.advance(key, next, { door: 'ssh' }) }
    }
    case 3:
      return { kind: 'counter', use: rising('knockknock', String(round).padStart(12, '0')) }
    default: {
      const use = { door: 'ssh', until: day }
      return { kind: 'digest', use: async ({ ledger }) => await ledger.advance(`fwknop\n${round}`, once, use) }
    }
  }
}

/** One secret, the hosts that it was presented to, and what they said. */
interface Presented {
  readonly kind: string
  /** Times of refusals, in milliseconds since 1970. */
  readonly refusedAt: number[]
  readonly use: Use
  readonly to: readonly number[]
  readonly results: Redemption[]
}

const all: Presented[] = []
let count = 0
let slowestMs = 0

/** Presents a secret to two hosts at once, or to all. */
async function presentNext(): Promise<Presented> {
  const round = count++
  const { kind, use } = secretOf(round)
  const two = [round % HOSTS.length, (round + 1 + (round % 2)) % HOSTS.length]
  const to = round % 3 === 0 ? [...HOSTS.keys()] : two
  const began = performance.now()
  const refusedAt: number[] = []
  const results = await Promise.all(
    to.map(async (index) => {
      const result = await use(hosts[index]!)
      if (isRefused(result)) refusedAt.push(Date.now())
      return result
    }),
  )
  slowestMs = Math.max(slowestMs, performance.now() - began)
  const presented = { kind, use, to, results, refusedAt }
  all.push(presented)
  return presented
}

/** Waits until the nodes other than one form a majority. Returns how many milliseconds that took. */
async function othersAnswer(without: number): Promise<number> {
  const began = performance.now()
  const nodes = [0, 1, 2].filter((each) => each !== without)
  const etcd = cluster.client(nodes)
  await until(
    'the others answer',
    async () =>
      await etcd.get('x').then(
        () => true,
        () => false,
      ),
  )
  return performance.now() - began
}

/** The number of changes that the hosts' watches did not tell in time. */
const lookedUp = (): number => hosts.reduce((sum, each) => sum + each.lookedUp(), 0)
const isRefused = (each: Redemption): boolean => typeof each === 'object'
const wins = ({ results }: Presented): number => results.filter((each) => each === 'won').length

/** Presents secrets all the time, while something happens. Returns what became of them. */
async function during(what: string, happens: () => Promise<void>): Promise<readonly Presented[]> {
  slowestMs = 0
  const since = Date.now()
  const before = lookedUp()
  const over = new AbortController()
  const rounds: Promise<Presented>[] = []
  const happening = happens().finally(() => over.abort())
  while (!over.signal.aborted || rounds.length < ROUNDS) {
    rounds.push(presentNext())
    await pause(EVERY_MS)
  }
  await happening
  const done = await Promise.all(rounds)
  const twice = done.filter((each) => wins(each) > 1).length
  const refused = done.filter(({ results }) => results.some(isRefused)).length
  console.log(
    `${what}: ${done.length} secrets, ${twice} twice, ${refused} refused somewhere, no majority for ${majority?.longestGapMs(since) ?? '?'} ms at most, slowest ${slowestMs.toFixed(0)} ms, ${lookedUp() - before} looked up`,
  )
  expect(twice, what).toBe(0)
  return done
}

/** Expects that a majority was away whenever a claim was refused, and one winner of each secret in the end. */
async function expectDecided(done: readonly Presented[]): Promise<void> {
  // Five hosts are one process here, which a busy machine keeps from reading answers: only SLOW looks.
  const wrong = done.flatMap(({ refusedAt }) => refusedAt.filter((at) => majority?.answered(at - ANSWERS_MS, at)))
  expect(wrong.length, 'refused although a majority answered').toBeLessThanOrEqual(done.length * STARVED_SHARE)
  await settle(done)
}

/** Presents again what was refused somewhere, until it is decided. Expects one winner in all. */
async function settle(done: readonly Presented[]): Promise<void> {
  await Promise.all(
    done.map(async (each) => {
      for (const [index, result] of each.results.entries()) {
        let now = result
        await until('it is decided', async () => {
          if (isRefused(now)) now = await each.use(hosts[each.to[index]!]!)
          return !isRefused(now)
        })
        each.results[index] = now
      }
    }),
  )
  // Of a kind that only rises, a later one may have won meanwhile.
  const never = done.filter((each) => wins(each) === 0 && ['one-time', 'digest', 'code'].includes(each.kind))
  expect(done.filter((each) => wins(each) > 1)).toEqual([])
  expect(never.map(({ kind }) => kind)).toEqual([])
}

describe.runIf(IS_ROOT && (await etcdProgram('3.4')) !== undefined)('claims of a fleet', () => {
  const priority = getPriority()
  beforeAll(async () => {
    // Five hosts with time limits of 3 s are one process here.
    setPriority(-10)
    cluster = await EtcdCluster.start({ disks: true, flags: [`--quota-backend-bytes=${QUOTA_BYTES}`] })
    if (SLOW) majority = new Majority(cluster.access())
    hosts = await Promise.all(HOSTS.map(async (name, index) => await host(name, CLOCKS[index])))
    await caughtUp(...hosts)
  }, LIMIT_MS)
  afterAll(async () => {
    setPriority(priority)
    for (const each of hosts) each.close()
    await majority?.stop()
    await cluster.close()
  }, LIMIT_MS)

  describe('while a majority answers, each opens once', { timeout: LIMIT_MS }, () => {
    test('nothing happens', async () => {
      await expectDecided(await during('quiet', async () => await Promise.resolve()))
    })

    test('kill -9 of the leader', async () => {
      const done = await during('kill -9', async () => {
        await pause(300)
        const leader = await cluster.leader()
        await cluster.kill(leader)
        await othersAnswer(leader)
        await pause(AWAY_MS)
        cluster.start(leader)
        await cluster.healthy()
      })
      await expectDecided(done)
    })

    slowly('SIGSTOP of the leader', async () => {
      const done = await during('SIGSTOP', async () => {
        await pause(300)
        const leader = await cluster.leader()
        cluster.stop(leader)
        console.log(`SIGSTOP: the others answer after ${(await othersAnswer(leader)).toFixed(0)} ms`)
        await pause(3_000)
        cluster.cont(leader)
        await cluster.healthy()
      })
      await expectDecided(done)
    })

    test('a partition with both sides alive', async () => {
      const leader = await cluster.leader()
      const others = [0, 1, 2].filter((each) => each !== leader)
      const cutOff = await host('cut-off', 0, new MemoryDisk(), [leader])
      await caughtUp(cutOff)
      let wonAlone = 0
      let refusedAlone = 0
      const done = await during('partition', async () => {
        await cluster.partition([[leader], others])
        await Promise.all(
          Array.from({ length: ALONE }, async () => {
            const each = await presentNext()
            const alone = await each.use(cutOff)
            if (alone === 'won') wonAlone++
            if (isRefused(alone)) refusedAlone++
          }),
        )
        await cluster.heal()
        await cluster.healthy()
      })
      await expectDecided(done)
      cutOff.close()
      console.log(`partition, on the other side: ${wonAlone} won, ${refusedAlone} refused`)
      expect(wonAlone).toBe(0)
    })

    slowly('a node that comes back empty', async () => {
      const done = await during('empty node', async () => {
        await cluster.wipe(((await cluster.leader()) + 1) % cluster.size)
        await cluster.healthy()
      })
      await expectDecided(done)
    })

    test('a host restarts in the middle', async () => {
      const done = await during('host restarts', async () => {
        await pause(500)
        const [before, ...others] = hosts as [LedgerHost, ...LedgerHost[]]
        before.close()
        hosts = [
          await host(
            before.name,
            0,
            before.disk.powerCut(() => 0),
          ),
          ...others,
        ]
      })
      expect(done.filter((each) => wins(each) > 1)).toEqual([])
    })
  })

  describe('without a majority nothing opens, and each opens once afterwards', { timeout: LIMIT_MS }, () => {
    test('the power of all nodes is cut', async () => {
      const done = await during('power cut', async () => {
        await pause(500)
        await cluster.powerCut()
        await cluster.healthy()
      })
      await settle(done)
    })

    slowly('all nodes are stopped for a minute', async () => {
      const done = await during('a minute', async () => {
        for (const node of [0, 1, 2]) cluster.stop(node)
        await pause(60_000)
        for (const node of [0, 1, 2]) cluster.cont(node)
        await cluster.healthy()
      })
      await settle(done)
    })

    test('the quota is full', async () => {
      const done = await during('quota', async () => {
        await cluster.fill()
        await pause(1_000)
        await cluster.makeRoom()
      })
      const words = new Set(
        done.flatMap(({ results }) => results.flatMap((each) => (typeof each === 'object' ? each.unavailable : []))),
      )
      expect([...words]).toContain('fleet unavailable: the database of etcd is full')
      expect(hosts.flatMap(({ said }) => said).join('\n')).toContain('etcdctl alarm disarm')
      await settle(done)
    })
  })

  test(
    'none opens again: not at the same hosts, and not at one that knows nothing',
    { timeout: LIMIT_MS },
    async () => {
      const fresh = await host('fresh')
      let again = 0
      let refused = 0
      for (const each of all) {
        const results = await Promise.all([...each.to.map((index) => hosts[index]!), fresh].map(each.use))
        // A use whose answer was lost may still win, if no other one did.
        again += Math.max(0, wins(each) + results.filter((result) => result === 'won').length - 1)
        refused += results.filter(isRefused).length
      }
      fresh.close()
      const kinds = new Map<string, number>()
      for (const { kind } of all) kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      console.log(`${all.length} secrets in all (${[...kinds].join(' ')}), ${again} opened again, ${refused} refused`)
      expect([again, refused]).toEqual([0, 0])
      // Nobody took a restart or a wrong clock for an attack.
      expect(hosts.flatMap(({ said }) => said).filter((text) => text.includes('a record of'))).toEqual([])
    },
  )
})
