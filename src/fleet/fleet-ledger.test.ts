// Goal: hosts that share an etcd use each secret once, whatever happens to requests and answers. A lost answer locks
// nobody out. Writing to etcd opens nothing.
import { EventEmitter, once } from 'node:events'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { MemoryDisk } from '../state/disk-fake.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import type { Redemption } from '../state/ledger.ts'
import { openStoreOn, type Store } from '../state/store.ts'
import { FakeTime, watchClaims } from './claims-fake.ts'
import { CLAIMS_OF_OWNER_MAX, CLAIMS_OF_ONE_MAX, FleetClaims } from './claims.ts'
import { type Fate, FakeEtcd, type FakeWatch } from './etcd-fake.ts'
import { FleetLedger } from './fleet-ledger.ts'
import { Keyspace } from './keyspace.ts'
import { MISSED_MS, OWN_MISSED_MS, SEEN_MAX } from './seen-claims.ts'

const KEYS = new Keyspace('f')
const FLEET_KEY = new Uint8Array(32).fill(7)
const DAY_MS = 86_400_000
const SKEW_MS = 10_000

/** A host of the fleet. Its doors belong to the fleet, except the one called `own`. */
interface Host {
  readonly ledger: FleetLedger
  readonly claims: FleetClaims
  readonly store: Store
  readonly disk: MemoryDisk
  readonly said: string[]
  /** Passes the changes in etcd to the host. */
  readonly watch: FakeWatch
  /** Ends the host, as when it is killed. */
  readonly stop: () => void
}

let etcd: FakeEtcd
let time: FakeTime
beforeEach(() => {
  etcd = new FakeEtcd()
  time = new FakeTime()
})
const pass = async (ms: number): Promise<void> => await time.pass(ms)
const decided = async <Result>(deciding: Promise<Result>): Promise<Result> => await time.decided(deciding)

const isOfFleet = (door: string): boolean => door !== 'own'

async function host(name: string, { disk = new MemoryDisk() } = {}): Promise<Host> {
  const { store } = await openStoreOn(disk, '/state')
  const said: string[] = []
  const log = { notice: (level: string, text: string) => void (level === 'error' && said.push(text)) }
  const { clock } = time
  const deps = { etcd, keyspace: KEYS, fleetKey: FLEET_KEY, host: name, store, clock, log, skewMs: SKEW_MS }
  const claims = new FleetClaims({ ...deps, hosts: () => 5 })
  const watch = watchClaims(etcd, claims, KEYS)
  await time.until(() => claims.catchUp.isDone)
  const stop = (): void => {
    watch.close()
    claims.close()
  }
  const ledger = new FleetLedger({ local: new JournalLedger(store), claims, isOfFleet })
  return { ledger, claims, store, disk, said, watch, stop }
}

/** Returns a host that gets changes late from now on. */
async function lateHost(name: string): Promise<Host> {
  const late = await host(name)
  late.watch.hold()
  return late
}

/** Returns the records in etcd: names and texts. */
const records = (): readonly (readonly [string, string])[] =>
  [...etcd.kvs].flatMap(([key, { value }]) => (key.startsWith(KEYS.claims) ? [[key, value] as const] : []))
const removeAll = (): void => {
  for (const [key] of records()) etcd.delete(key)
}

const above = (value: number) => (present?: string) => (Number(present ?? -1) < value ? String(value) : undefined)
const first = (present?: string) => (present === undefined ? 'used' : undefined)
const USE = { door: 'ssh' }

const shared = () => 'the sequence'

/** Returns whether a host knows of a used sequence, and the newest code that it knows. */
const told = ({ ledger }: Host): unknown[] => [ledger.wasClaimed('ssh', 'm'), ledger.newest('code', 'ssh')]

/** Every way to use a secret, by the secret's number. */
const KINDS: readonly ((ledger: FleetLedger, secret: number) => Promise<Redemption>)[] = [
  async (ledger, secret) => await ledger.claim('ssh', `s${secret}`),
  async (ledger, secret) => await ledger.advance('counter', above(secret), USE),
  async (ledger, secret) => await ledger.advance(`digest ${secret}`, first, { door: 'ssh', until: time.ms + DAY_MS }),
  // A set of numbers, such as the periods of a code.
  async (ledger, secret) =>
    await ledger.advance(
      'set',
      (present = '') => (present.split(',').includes(String(secret)) ? undefined : `${present},${secret}`),
      USE,
    ),
]

describe('races', () => {
  test.each(KINDS.map((use, kind) => ({ use, kind })))('kind $kind: five hosts at once, one wins', async ({ use }) => {
    const hosts = await Promise.all(
      ['a', 'b', 'c', 'd', 'e'].map(async (name, index) => await (index < 3 ? host(name) : lateHost(name))),
    )
    for (let secret = 1; secret <= 50; secret++) {
      const results = await decided(Promise.all(hosts.map(async ({ ledger }) => await use(ledger, secret))))
      expect(results.filter((each) => each === 'won')).toHaveLength(1)
      expect(results.filter((each) => each === 'lost')).toHaveLength(4)
    }
  })

  const FATES: readonly Fate[] = ['answered', 'answered', 'lost', 'unheard', 'late']
  test.each(KINDS.map((use, kind) => ({ use, kind })))(
    'kind $kind: with lost requests and lost or late answers, never two hosts win, and one wins in the end',
    async ({ use, kind }) => {
      let seed = 1_234 + kind
      const random = (below: number): number => {
        seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff
        return (seed >> 8) % below
      }
      const hosts = await Promise.all(
        ['a', 'b', 'c', 'd'].map(async (name, index) => await (index < 2 ? host(name) : lateHost(name))),
      )
      etcd.fate = () => FATES[random(FATES.length)]!
      etcd.delay = async () => {
        for (let turns = random(4); turns > 0; turns--) await Promise.resolve()
        if (random(4) === 0) etcd.runLate()
      }
      let retried = 0
      for (let secret = 1; secret <= 100; secret++) {
        let won = 0
        let waiting = hosts
        for (let round = 0; waiting.length > 0; round++) {
          const results = await decided(Promise.all(waiting.map(async ({ ledger }) => await use(ledger, secret))))
          if (random(3) === 0) hosts[3]!.watch.release(random(10))
          won += results.filter((each) => each === 'won').length
          waiting = waiting.filter((_, index) => typeof results[index] === 'object')
          if (round > 0) retried++
        }
        expect(won, `secret ${secret}`).toBe(1)
      }
      expect(retried).toBeGreaterThan(50)
    },
  )

  test('an answer is lost and another host advances meanwhile: the retry finds its own mark', async () => {
    const [a, b] = [await lateHost('a'), await host('b')]
    expect(await b.ledger.advance('counter', above(1), USE)).toBe('won')
    a.watch.release()
    a.watch.hold()
    etcd.fate = () => 'unheard'
    expect(await a.ledger.advance('counter', above(5), USE)).toEqual({
      unavailable: expect.stringContaining('no answer') as string,
    })
    etcd.fate = () => 'answered'
    expect(await b.ledger.advance('counter', above(5), USE)).toBe('lost')
    expect(await b.ledger.advance('counter', above(9), USE)).toBe('won')
    expect(await decided(a.ledger.advance('counter', above(5), USE))).toBe('won')
    expect(await decided(a.ledger.advance('counter', above(5), USE))).toBe('lost')
    expect(await decided(a.ledger.advance('counter', above(8), USE))).toBe('lost')
  })

  test('a full disk after the fleet has answered opens nothing; the retry wins once there is room, even after a kill', async () => {
    for (const isKilled of [false, true]) {
      etcd = new FakeEtcd()
      const [a, b] = [await host('a'), await host('b')]
      a.disk.fail = () => new Error('no space left on device')
      expect(await a.ledger.claim('ssh', 'm')).toMatchObject({ unavailable: expect.any(String) as string })
      expect(records()).toHaveLength(1)
      a.disk.fail = () => undefined
      if (isKilled) a.stop()
      const again = isKilled ? await host('a', { disk: a.disk.powerCut(() => 0) }) : a
      expect(await b.ledger.claim('ssh', 'm')).toBe('lost')
      expect(await again.ledger.claim('ssh', 'm')).toBe(isKilled ? 'lost' : 'won')
      expect(await again.ledger.claim('ssh', 'm')).toBe('lost')
    }
  })

  test("a use whose answer was lost is not taken for another host's when the watch reports it: the retry wins", async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.advance('code', above(1), USE)
    etcd.fate = () => 'unheard'
    await a.ledger.claim('ssh', 'm')
    await a.ledger.advance('code', above(5), USE)
    etcd.fate = () => 'answered'
    expect([told(a), told(b)]).toEqual([
      [false, '1'],
      [true, '5'],
    ])
    expect(await b.ledger.claim('ssh', 'm')).toBe('lost')
    expect(await a.ledger.claim('ssh', 'm')).toBe('won')
    expect(await a.ledger.advance('code', above(5), USE)).toBe('won')
    expect([told(a), told(b)]).toEqual([
      [true, '5'],
      [true, '5'],
    ])
  })

  test('a late answer is no result, and the retry wins', async () => {
    const a = await host('a')
    etcd.delay = async () => {
      time.ms += 2_000
      await Promise.resolve()
    }
    const use = { door: 'ssh', until: time.ms + DAY_MS }
    expect(await a.ledger.advance('digest', first, use)).toEqual({
      unavailable: 'fleet unavailable: no result within 3 s',
    })
    etcd.delay = async () => await Promise.resolve()
    const leases = etcd.leases.length
    expect(await a.ledger.advance('digest', first, use)).toBe('won')
    expect(etcd.leases).toHaveLength(leases)
  })
})

describe('scope', () => {
  test('a door of this host alone never asks the fleet, and uses only its journal', async () => {
    const [a, b] = [await host('a'), await host('b')]
    etcd.unavailable = 'no majority of etcd answers'
    for (const { ledger } of [a, b]) {
      expect(await ledger.claim('own', 'm')).toBe('won')
      expect(await ledger.claim('own', 'm')).toBe('lost')
      expect(await ledger.advance('k', above(5), { door: 'own' })).toBe('won')
      expect(ledger.newest('k', 'own')).toBe('5')
    }
    expect(records()).toEqual([])
    expect(await a.ledger.claim('ssh', 'm')).toEqual({ unavailable: 'fleet unavailable: no majority of etcd answers' })
  })

  test('a use by another host is known immediately, at doors of the fleet alone', async () => {
    const [a, b] = [await host('a'), await host('b')]
    const learned = vi.fn<() => void>()
    const unlearn = b.ledger.learned(learned)
    await a.ledger.claim('ssh', 'm')
    expect(learned).toHaveBeenCalled()
    const calls = learned.mock.calls.length
    expect([b.ledger.wasClaimed('ssh', 'm'), b.ledger.wasClaimed('own', 'm')]).toEqual([true, false])
    await a.ledger.advance('k', above(5), USE)
    expect([b.ledger.newest('k', 'ssh'), b.ledger.newest('k', 'own'), b.ledger.newest('k')]).toEqual([
      '5',
      undefined,
      undefined,
    ])
    expect(learned.mock.calls.length).toBeGreaterThan(calls)
    unlearn()
    learned.mockClear()
    await a.ledger.claim('ssh', 'n')
    expect(learned).not.toHaveBeenCalled()
  })

  test('a listener hears of the value that it asked for, at doors of the fleet alone', async () => {
    const [a, b] = [await host('a'), await host('b')]
    const [ssh, web, own, other] = [vi.fn(), vi.fn(), vi.fn(), vi.fn()]
    const unfollow = b.ledger.follow('k', 'ssh', ssh)
    b.ledger.follow('k', 'web', web)
    b.ledger.follow('k', 'own', own)
    b.ledger.follow('l', 'ssh', other)
    const calls = (): readonly number[] => [ssh, web, own, other].map(({ mock }) => mock.calls.length)
    // The record for a first use is made, and then the use.
    await a.ledger.advance('k', above(5), USE)
    expect(calls()).toEqual([2, 2, 0, 0])
    unfollow()
    unfollow()
    await a.ledger.advance('k', above(6), USE)
    expect(calls()).toEqual([2, 3, 0, 0])
    // A gap in the changes may hide any of them.
    etcd.list(b.watch)
    expect(calls()).toEqual([2, 4, 0, 1])
  })

  test('a user who can make many secrets has a budget of their own, which leaves room for the others', async () => {
    const a = await host('a')
    const hold = new EventEmitter()
    const held = once(hold, 'open')
    etcd.delay = async () => void (await held)
    const digest = async (count: number, owner: string) =>
      await a.ledger.advance(`${owner} ${count}`, first, { door: 'ssh', until: time.ms + DAY_MS, owner })
    const many = Array.from({ length: CLAIMS_OF_OWNER_MAX + 20 }, async (_, count) => await digest(count, 'mallory'))
    const other = digest(0, 'alice')
    hold.emit('open')
    const all = await Promise.all(many)
    expect(all.filter((each) => each === 'won')).toHaveLength(CLAIMS_OF_OWNER_MAX)
    expect(all.at(-1)).toEqual({ unavailable: 'fleet unavailable: too many claims are waiting' })
    expect(await other).toBe('won')
    expect(await digest(99, 'mallory')).toBe('won')
  })

  test('one list under the names of two doors counts once, on one host and on two', async () => {
    const [a, b] = [await host('a'), await lateHost('b')]
    const all = await decided(
      Promise.all([
        a.ledger.claim('ssh', 'm of ssh', shared),
        a.ledger.claim('web', 'm of web', shared),
        b.ledger.claim('web', 'm of web', shared),
      ]),
    )
    expect(all.filter((each) => each === 'won')).toHaveLength(1)
    for (const { ledger } of [a, b]) {
      expect(await ledger.claim('ssh', 'm of ssh', shared)).toBe('lost')
      expect(await ledger.claim('web', 'm of web', shared)).toBe('lost')
      expect(ledger.wasClaimed('vpn', 'm of vpn', shared)).toBe(true)
    }
    expect(await a.ledger.claim('own', 'm of own', shared)).toBe('won')
  })

  test('a use whose answer was lost opens once, at whichever of the two doors is knocked at next', async () => {
    const a = await host('a')
    etcd.fate = () => 'unheard'
    expect(await a.ledger.claim('ssh', 'm of ssh', shared)).toMatchObject({ unavailable: expect.any(String) as string })
    etcd.fate = () => 'answered'
    expect(await a.ledger.claim('web', 'm of web', shared)).toBe('won')
    expect(await a.ledger.claim('ssh', 'm of ssh', shared)).toBe('lost')
  })

  test('a use that was in the journal before still counts', async () => {
    const a = await host('a')
    await a.store.used('ssh', 'm of ssh')
    expect(await a.ledger.claim('ssh', 'm of ssh', () => 'the sequence')).toBe('lost')
  })

  test('a host whose fleet is unusable keeps its own doors working', async () => {
    const { store } = await openStoreOn(new MemoryDisk(), '/state')
    const claims = { unavailable: 'fleet.conf is missing' }
    const ledger = new FleetLedger({ local: new JournalLedger(store), claims, isOfFleet })
    const refused = { unavailable: 'fleet unavailable: fleet.conf is missing' }
    expect(await ledger.claim('ssh', 'm')).toEqual(refused)
    expect(await ledger.advance('k', above(1), USE)).toEqual(refused)
    expect(await ledger.claim('own', 'm')).toBe('won')
  })

  test('a host whose clock is off uses no secret of the fleet until its clock is set', async () => {
    const { store } = await openStoreOn(new MemoryDisk(), '/state')
    const { claims } = await host('a')
    let doubt: string | undefined = 'this clock is 40 s ahead'
    const ledger = new FleetLedger({ local: new JournalLedger(store), claims, isOfFleet, doubt: () => doubt })
    const refused = { unavailable: 'fleet unavailable: this clock is 40 s ahead' }
    expect(await ledger.claim('ssh', 'm')).toEqual(refused)
    expect(await ledger.advance('k', above(1), USE)).toEqual(refused)
    expect(await ledger.claim('own', 'm')).toBe('won')
    doubt = undefined
    expect(await ledger.claim('ssh', 'm')).toBe('won')
    expect(await ledger.advance('k', above(1), USE)).toBe('won')
  })
})

const suspected = (said: readonly string[]): readonly string[] => said.map((text) => text.split('\n')[0]!)

describe('an attacker who writes to etcd', () => {
  test('learns no secret', async () => {
    const a = await host('a')
    await a.ledger.claim('ssh', 'a-mark')
    await a.ledger.advance('totp\nsecret-print', above(5), USE)
    const all = JSON.stringify([...etcd.kvs])
    for (const word of ['a-mark', 'secret-print', 'ssh']) expect(all).not.toContain(word)
  })

  test('a removed record opens nothing where it was seen', async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.claim('ssh', 'm')
    await a.ledger.advance('k', above(5), USE)
    removeAll()
    for (const { ledger } of [a, b]) {
      expect(await ledger.claim('ssh', 'm')).toBe('lost')
      expect(await ledger.advance('k', above(5), USE)).toBe('lost')
    }
    // The record is written again, and the next use is based on it.
    expect(await b.ledger.advance('k', above(6), USE)).toBe('won')
    expect(await a.ledger.advance('k', above(6), USE)).toBe('lost')
    expect(suspected(b.said)).toEqual(['a record of a used secret was removed before its time'])
  })

  test('an older record in place of a newer one is noticed, and opens nothing', async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.advance('k', above(5), USE)
    const [[key, value]] = records() as [[string, string]]
    await a.ledger.advance('k', above(6), USE)
    etcd.put(key, value)
    await pass(MISSED_MS - OWN_MISSED_MS)
    etcd.put(key, value)
    await pass(OWN_MISSED_MS)
    etcd.put(key, value)
    expect(await b.ledger.advance('k', above(6), USE)).toBe('lost')
    expect(await b.ledger.advance('k', above(7), USE)).toBe('won')
    expect(await a.ledger.advance('k', above(7), USE)).toBe('lost')
    expect(suspected(b.said)).toEqual(['a record of a used secret was replaced by an older one'])
  })

  test.each(['', 'x', '{"uses":1,"value":"","marks":[]}', `AAAA {"uses":0,"value":"","marks":[]}`, 'x'.repeat(9_000)])(
    'a record of their own: %#',
    async (text) => {
      const a = await host('a')
      const name = a.claims.name('once', 'ssh\nm')
      etcd.put(`${KEYS.claims}${name}`, text)
      expect(await a.ledger.claim('ssh', 'm')).toEqual({
        unavailable: "fleet unavailable: the fleet's record was written by somebody else",
      })
      expect(a.ledger.wasClaimed('ssh', 'm')).toBe(false)
      expect(suspected(a.said)).toEqual(['a record of a used secret was written by somebody else'])
    },
  )

  test('a removed record is written again, so that a host that starts later knows of it', async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.claim('ssh', 'm')
    await a.ledger.advance('k', above(5), USE)
    const before = records()
    removeAll()
    await pass(OWN_MISSED_MS)
    expect(new Set(records())).toEqual(new Set(before))
    const late = await host('late')
    expect(await late.ledger.claim('ssh', 'm')).toBe('lost')
    expect(await late.ledger.advance('k', above(5), USE)).toBe('lost')

    // The host that used them is gone: another one writes them again, even after a gap in its watch.
    a.stop()
    late.stop()
    b.watch.hold()
    removeAll()
    b.watch.drop()
    etcd.list(b.watch)
    await pass(OWN_MISSED_MS)
    expect(records()).toEqual([])
    for (let ms = OWN_MISSED_MS; ms <= MISSED_MS; ms += OWN_MISSED_MS) await pass(OWN_MISSED_MS)
    expect(new Set(records())).toEqual(new Set(before))
  })

  test('late news raise no suspicion', async () => {
    const a = await lateHost('a')
    for (const counter of [5, 6, 7]) expect(await decided(a.ledger.advance('k', above(counter), USE))).toBe('won')
    a.watch.release()
    await pass(MISSED_MS)
    expect(a.said).toEqual([])
  })

  test("a replaced record is written again, but after etcd was set up anew no host overwrites another's records", async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.advance('k', above(5), USE)
    const [[key, old]] = records() as [[string, string]]
    await a.ledger.advance('k', above(6), USE)
    const { value } = etcd.kvs.get(key)!
    for (const other of ['x', old]) {
      etcd.put(key, other)
      await pass(OWN_MISSED_MS)
      expect(etcd.kvs.get(key)!.value).toBe(value)
    }
    for (const each of [a, b]) each.watch.hold()
    removeAll()
    const c = await host('c')
    for (const counter of [7, 8]) expect(await c.ledger.advance('k', above(counter), USE)).toBe('won')
    const written = etcd.kvs.get(key)!
    for (const each of [a, b]) {
      each.watch.drop()
      etcd.list(each.watch)
    }
    for (let ms = 0; ms <= 2 * MISSED_MS; ms += OWN_MISSED_MS) await pass(OWN_MISSED_MS)
    expect(etcd.kvs.get(key)).toBe(written)
  })

  test('what was seen in the last second before a stop is known after it, even by the host that used the secret', async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.claim('ssh', 'm')
    a.stop()
    b.stop()
    await b.store.close()
    removeAll()
    const restarted = await host('b', { disk: b.disk })
    expect(await restarted.ledger.claim('ssh', 'm')).toBe('lost')
    restarted.stop()
    removeAll()
    // This host is killed, not stopped. It tells a host that knows nothing.
    const again = host('a', { disk: a.disk.powerCut(() => 0) })
    const [, fresh] = await Promise.all([again, host('fresh')])
    expect(await fresh.ledger.claim('ssh', 'm')).toBe('lost')
  })

  test("a list full of an attacker's records drives out no record that was seen", async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.claim('ssh', 'm')
    await a.ledger.advance('k', above(5), USE)
    await pass(1_000)
    b.stop()
    removeAll()
    const restarted = await host('b', { disk: b.disk.powerCut(() => 0) })
    const names = Array.from({ length: SEEN_MAX }, (_, index) => `${KEYS.claims}${index}`)
    restarted.claims.seen.listed(
      names.map((key) => ({ key, value: 'x', modRevision: '9' })),
      '9',
    )
    restarted.claims.seen.listed([], '10')
    expect(await restarted.ledger.claim('ssh', 'm')).toBe('lost')
    expect(await restarted.ledger.advance('k', above(5), USE)).toBe('lost')
  })

  test('a text in place of a record is not kept, however large: the record is written again', async () => {
    const a = await host('a')
    expect(await a.ledger.claim('ssh', 'm')).toBe('won')
    const [[key, text]] = records() as [readonly [string, string]]
    const name = key.slice(KEYS.claims.length)
    etcd.put(key, 'x'.repeat(1_000_000))
    expect(a.claims.seen.there(name)?.text).toBe('')
    expect(await a.ledger.claim('ssh', 'm')).toBe('lost')
    await decided(
      (async () => {
        while (etcd.kvs.get(key)!.value !== text) await new Promise((resolve) => setImmediate(resolve))
      })(),
    )
    expect(a.claims.seen.there(name)?.text).toBe(text)
  })

  test('the record of another secret opens nothing', async () => {
    const a = await host('a')
    await a.ledger.advance('k', above(5), USE)
    const [[, value]] = records() as [[string, string]]
    etcd.put(`${KEYS.claims}${a.claims.name('value', 'other')}`, value)
    expect(await a.ledger.advance('other', above(1), USE)).toEqual({
      unavailable: "fleet unavailable: the fleet's record was written by somebody else",
    })
  })

  test('records that were seen are known after a power cut, and forgotten when their secret has expired', async () => {
    const [a, b] = [await host('a'), await host('b')]
    await a.ledger.claim('ssh', 'm')
    await a.ledger.advance('digest', first, { door: 'ssh', until: time.ms + DAY_MS })
    await pass(1_000)
    const names = [...b.store.keys('fleet\n')]
    expect(names).toHaveLength(2)
    expect([...a.store.keys('fleet\n')].toSorted()).toEqual(names.toSorted())
    removeAll()
    a.stop()
    b.stop()
    const restarted = await host('b', { disk: b.disk.powerCut(() => 0) })
    expect(await restarted.ledger.claim('ssh', 'm')).toBe('lost')
    expect(await restarted.ledger.advance('digest', first, { door: 'ssh', until: time.ms + DAY_MS })).toBe('lost')
    await pass(DAY_MS + 3 * SKEW_MS)
    await pass(60_000)
    await pass(1_000)
    expect([...restarted.store.keys('fleet\n')]).toHaveLength(1)
    expect(restarted.ledger.wasClaimed('ssh', 'm')).toBe(true)
  })

  test('a record of an expired secret may be removed', async () => {
    const [a, b] = [await host('a'), await host('b')]
    const until = time.ms + DAY_MS
    await a.ledger.advance('digest', first, { door: 'ssh', until })
    expect(etcd.leases.at(-1)! * 1_000).toBeGreaterThanOrEqual(DAY_MS + 2 * SKEW_MS)
    await pass(DAY_MS - SKEW_MS)
    removeAll()
    expect(b.said).toEqual([])
    expect(await b.ledger.advance('digest', first, { door: 'ssh', until })).toBe('lost')
    await pass(SKEW_MS)
    expect(await b.ledger.advance('digest', () => 'new', { door: 'ssh', until })).toBe('won')
  })
})

test('news that come after an answer are not taken for an attack', async () => {
  const [a, b] = [await host('a'), await lateHost('b')]
  for (let value = 1; value <= 6; value++) {
    expect(await decided((value % 2 === 0 ? a : b).ledger.advance('k', above(value), USE))).toBe('won')
  }
  b.watch.release()
  expect(await b.ledger.advance('k', above(7), USE)).toBe('won')
  expect([...a.said, ...b.said]).toEqual([])
})

test('an answer that is older than the news is not taken for an attack', async () => {
  const [a, b] = [await host('a'), await host('b')]
  await a.ledger.advance('k', above(1), USE)
  // Another host advances while the answer is on its way.
  const delayed = a.ledger.advance('k', above(9), USE)
  etcd.delay = async () => {
    etcd.delay = async () => await Promise.resolve()
    await b.ledger.advance('k', above(5), USE)
    await b.ledger.advance('k', above(6), USE)
  }
  expect(await b.ledger.advance('k', above(4), USE)).not.toEqual({ unavailable: expect.anything() as string })
  expect(['won', 'lost']).toContain(await delayed)
  expect([...a.said, ...b.said]).toEqual([])
})

test('secrets that end in the same minute share a lease', async () => {
  const a = await host('a')
  const until = Math.ceil(time.ms / 60_000) * 60_000 + DAY_MS
  etcd.leases.length = 0
  for (let secret = 0; secret < 20; secret++) {
    await a.ledger.advance(`digest ${secret}`, first, { door: 'ssh', until: until - secret * 1_000 })
  }
  expect(etcd.leases).toHaveLength(1)
})

test('the number of waiting claims of one secret has a bound', async () => {
  const a = await host('a')
  etcd.unavailable = 'no majority of etcd answers'
  const results = await Promise.all(
    Array.from({ length: CLAIMS_OF_ONE_MAX + 1 }, async (_, index) => await a.ledger.advance('k', above(index), USE)),
  )
  expect(results.at(-1)).toEqual({ unavailable: 'fleet unavailable: too many claims are waiting' })
  expect(results.at(-2)).toEqual({ unavailable: 'fleet unavailable: no majority of etcd answers' })
})
