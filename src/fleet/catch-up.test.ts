// Goal: who writes to etcd and has a captured secret that was used opens nothing: not at a host whose news are late, not at
// one that lists while the record is gone, and not by forging or repeating what hosts ask each other. A host that is alone goes on.
import { beforeEach, describe, expect, test } from 'vitest'
import { MemoryDisk } from '../state/disk-fake.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import type { Redemption } from '../state/ledger.ts'
import { openStoreOn } from '../state/store.ts'
import { ALONE_MS } from './catch-up.ts'
import { CatchUpAnswers, PARTS_MAX } from './catch-up-answers.ts'
import { CatchUpMessages, PART_MAX_CHARS } from './catch-up-message.ts'
import { ClaimSeal } from './claim-record.ts'
import { FakeTime, watchClaims } from './claims-fake.ts'
import { CLAIM_WITHIN_MS, FleetClaims } from './claims.ts'
import { FakeEtcd, type FakeWatch } from './etcd-fake.ts'
import { FleetLedger } from './fleet-ledger.ts'
import { Keyspace } from './keyspace.ts'
import { Leases } from './leases.ts'
import type { Change } from './news.ts'

const KEYS = new Keyspace('f')
const FLEET_KEY = new Uint8Array(32).fill(7)
const DAY_MS = 86_400_000

interface Host {
  readonly ledger: FleetLedger
  readonly claims: FleetClaims
  readonly disk: MemoryDisk
  readonly watch: FakeWatch
  readonly lines: string[]
  readonly stop: () => void
}

let etcd: FakeEtcd
let time: FakeTime
/** All that was ever written, as an attacker keeps it. */
let written: Change[]
beforeEach(() => {
  etcd = new FakeEtcd()
  time = new FakeTime()
  written = []
  etcd.watch('/', { listed: () => undefined, changed: (changes) => void written.push(...changes) })
})

/** Starts a host, and returns it before it has caught up. */
async function start(name: string, disk = new MemoryDisk(), hosts = 3): Promise<Host> {
  const { store } = await openStoreOn(disk, '/state')
  const lines: string[] = []
  const log = { notice: (_: string, text: string) => void lines.push(text) }
  const { clock } = time
  const deps = { etcd, keyspace: KEYS, fleetKey: FLEET_KEY, host: name, store, clock, log, skewMs: 10_000 }
  const claims = new FleetClaims({ ...deps, hosts: () => hosts })
  const watch = watchClaims(etcd, claims, KEYS)
  const ledger = new FleetLedger({ local: new JournalLedger(store), claims, isOfFleet: () => true })
  const stop = (): void => {
    watch.close()
    claims.close()
  }
  return { ledger, claims, disk, watch, lines, stop }
}

async function host(name: string, disk?: MemoryDisk): Promise<Host> {
  const made = await start(name, disk)
  await time.until(() => made.claims.catchUp.isDone)
  return made
}

const at = (prefix: string): readonly string[] => [...etcd.kvs.keys()].filter((key) => key.startsWith(prefix))
const removeClaims = (): void => {
  for (const key of at(KEYS.claims)) etcd.delete(key)
}
const puts = (prefix: string): number =>
  written.filter(({ type, kv }) => type === 'put' && kv.key.startsWith(prefix)).length

const above = (value: number) => (present?: string) => (Number(present ?? -1) < value ? String(value) : undefined)
const withPeriod = (period: number) => (present?: string) =>
  (present ?? '').split(',').includes(String(period)) ? undefined : `${present ?? ''},${period}`

/** Secrets of every kind, each with a use that was captured. */
const KINDS: readonly { readonly kind: string; readonly use: (host: Host) => Promise<Redemption> }[] = [
  { kind: 'a sequence', use: async ({ ledger }) => await ledger.claim('ssh', 'm') },
  { kind: 'a counter', use: async ({ ledger }) => await ledger.advance('counter', above(5), { door: 'ssh' }) },
  { kind: 'a code', use: async ({ ledger }) => await ledger.advance('code', withPeriod(5), { door: 'ssh' }) },
  {
    kind: 'a digest',
    use: async ({ ledger }) =>
      await ledger.advance('digest', above(0), { door: 'ssh', until: 1_700_000_000_000 + DAY_MS }),
  },
]
const refused = { unavailable: expect.stringContaining('fleet unavailable') as string }

describe.each(KINDS)('$kind that was used', ({ use }) => {
  test('opens nothing at a host whose news are late, when its record is gone; and etcd is asked only if the news are late', async () => {
    const [a, b] = [await host('a'), await host('b')]
    b.watch.hold()
    expect(await use(a)).toBe('won')
    removeClaims()
    expect(await time.decided(use(b))).toBe('lost')
    expect(etcd.lookedUp).toBeGreaterThan(0)
    b.watch.release()
    expect(await use(b)).toBe('lost')
    // The news come in time: etcd is not asked.
    const looked = etcd.lookedUp
    b.watch.hold()
    removeClaims()
    const late = use(b)
    b.watch.release()
    expect(await late).toBe('lost')
    expect(etcd.lookedUp).toBe(looked)
  })

  test('is refused there if etcd has forgotten what the host was not told', async () => {
    const [a, b] = [await host('a'), await host('b')]
    b.watch.hold()
    expect(await use(a)).toBe('won')
    removeClaims()
    etcd.compacted = Number.MAX_SAFE_INTEGER
    expect(await time.decided(use(b))).toEqual(refused)
    etcd.compacted = 0
    b.watch.release()
    expect(await use(b)).toBe('lost')
  })

  test.each([0, 1, 3])(
    'opens nothing at a host that lists while its record is gone, with %i other hosts that were away',
    async (away) => {
      const a = await host('a')
      const others: Host[] = []
      expect(await use(a)).toBe('won')
      removeClaims()
      for (let each = 0; each < away; each++) others.push(await start(`away${each}`))
      const b = await start('b')
      const all = await time.decided(Promise.all([b, ...others].map(async (each) => await use(each))))
      expect(all).toEqual(all.map(() => 'lost'))
    },
  )

  test('nor if it was removed before the answer of etcd came, and the news were faster', async () => {
    const a = await host('a')
    const seal = new ClaimSeal(FLEET_KEY)
    etcd.delay = async () => {
      await Promise.resolve()
      for (const key of at(KEYS.claims)) {
        if (seal.open(key.slice(KEYS.claims.length), etcd.kvs.get(key)!.value)!.uses > 0) etcd.delete(key)
      }
    }
    expect(await time.decided(use(a))).toBe('won')
    const b = await start('b')
    expect(await time.decided(use(b))).toBe('lost')
  })

  test('nor does a host wait for the news of a removal that it has, while another one uses it', async () => {
    const [a, b] = [await host('a'), await host('b')]
    let isFirst = true
    etcd.fate = () => {
      if (isFirst && at(KEYS.claims).length > 0) {
        isFirst = false
        removeClaims()
      }
      return 'answered'
    }
    expect(await time.decided(use(a))).toBe('won')
    expect(etcd.lookedUp).toBe(0)
    expect(await time.decided(use(b))).toBe('lost')
  })

  test('nor after a gap in the news of all hosts at once, in which it was used and removed', async () => {
    const [a, b] = [await host('a'), await host('b')]
    for (const each of [a, b]) each.watch.hold()
    expect(await time.decided(use(a))).toBe('won')
    removeClaims()
    for (const each of [a, b]) {
      each.watch.drop()
      etcd.list(each.watch)
    }
    expect(await time.decided(use(b))).not.toBe('won')
    await time.until(() => [a, b].every(({ claims }) => claims.catchUp.isDone))
    expect(await time.decided(use(b))).toBe('lost')
    expect(await time.decided(use(a))).toBe('lost')
  })

  test('nor at the host whose own use came second, in a gap of its news, and is presented again', async () => {
    const [a, b] = [await host('a'), await host('b')]
    b.watch.hold()
    expect(await use(a)).toBe('won')
    removeClaims()
    // The answer arrives too late, so it is presented again.
    const late = use(b)
    await time.pass(50)
    b.watch.drop()
    etcd.list(b.watch)
    expect(await time.decided(late)).not.toBe('won')
    await time.until(() => b.claims.catchUp.isDone)
    expect(await time.decided(use(b))).toBe('lost')
  })

  test('nor when somebody deletes, and repeats what was there before, all the time', async () => {
    const [a, b] = [await host('a'), await host('b')]
    expect(await use(a)).toBe('won')
    const old = written.filter(({ type, kv }) => type === 'put' && kv.key.startsWith('/postern/f/claim'))
    let turn = 0
    const meddle = (): void => {
      for (const key of at('/postern/f/claim')) etcd.delete(key)
      const { key, value } = old[turn++ % old.length]!.kv
      etcd.put(key, value)
      etcd.delete(key)
    }
    etcd.delay = async () => {
      await Promise.resolve()
      meddle()
    }
    b.stop()
    for (let round = 0; round < 4; round++) {
      const again = await start(round % 2 === 0 ? 'b' : `new${round}`, new MemoryDisk())
      expect(await time.decided(use(again))).not.toBe('won')
      again.stop()
    }
    expect(await time.decided(use(a))).toBe('lost')
  })

  test('a host that used it tells it after it was killed and started again, with the others', async () => {
    const a = await host('a')
    expect(await use(a)).toBe('won')
    a.stop()
    removeClaims()
    const [again, b] = [
      await start(
        'a',
        a.disk.powerCut(() => 0),
      ),
      await start('b'),
    ]
    expect(await time.decided(use(b))).not.toBe('won')
    await time.until(() => b.claims.catchUp.isDone)
    expect(await time.decided(Promise.all([use(b), use(again)]))).toEqual(['lost', 'lost'])
  })
})

const use = async ({ ledger }: Host, period: number): Promise<Redemption> =>
  await time.decided(ledger.advance('code', withPeriod(period), { door: 'ssh' }))

test('of two histories that late news made, the one that opened nothing drives out none: it can be repeated at will', async () => {
  const [a, b, c] = [await host('a'), await host('b'), await host('c')]
  for (const each of [b, c]) each.watch.hold()
  expect(await use(a, 1)).toBe('won')
  removeClaims()
  // Another code than the one that was used is good, and is on top of it.
  expect(await use(b, 2)).toBe('won')
  removeClaims()
  expect(await use(c, 3)).toBe('won')
  const texts = written.filter(({ type, kv }) => type === 'put' && kv.key.startsWith(KEYS.claims)).map(({ kv }) => kv)
  for (const each of [b, c]) each.watch.release()
  for (const { key, value } of texts) {
    etcd.put(key, value)
    const fresh = await host('fresh')
    for (const each of [a, b, c, fresh]) {
      expect([await use(each, 1), await use(each, 2), await use(each, 3)]).toEqual(['lost', 'lost', 'lost'])
    }
    fresh.stop()
  }
  const seal = new ClaimSeal(FLEET_KEY)
  const uses = new Map<number, string>()
  for (const { key, value } of texts) {
    const record = seal.open(key.slice(KEYS.claims.length), value)!
    expect(uses.get(record.uses) ?? value).toBe(value)
    uses.set(record.uses, value)
  }
})

describe('catching up', () => {
  test('takes some milliseconds when another host runs, and a claim waits for it', async () => {
    await host('a')
    const before = time.ms
    const b = await start('b')
    expect(await time.decided(b.ledger.claim('ssh', 'm'))).toBe('won')
    expect(time.ms - before).toBeLessThan(200)
    expect(b.lines.at(-1)).toBe('caught up with the fleet: a told what it saw')
    expect(b.claims.catchUp.waiting).toBeUndefined()
  })

  test('gap after gap in the news writes few lines', async () => {
    await host('a')
    const b = await host('b')
    for (let gap = 0; gap < 50; gap++) {
      etcd.list(b.watch)
      await time.until(() => b.claims.catchUp.isDone)
    }
    expect(b.lines.filter((line) => line.startsWith('caught up')).length).toBeLessThan(4)
  })

  test('a host that is alone goes on after 3 s, and claims are refused before', async () => {
    const before = time.ms
    const a = await start('a')
    expect(a.claims.catchUp.waiting).toContain('no other host has answered')
    expect(await time.decided(a.ledger.claim('ssh', 'm'))).toEqual(refused)
    expect(a.lines.join('\n')).toContain('postern fleet status')
    await time.until(() => a.claims.catchUp.isDone)
    expect(time.ms - before).toBeGreaterThanOrEqual(ALONE_MS)
    expect(time.ms - before).toBeLessThan(2 * ALONE_MS)
    expect(await time.decided(a.ledger.claim('ssh', 'm'))).toBe('won')
  })

  const FAULTS: readonly (readonly [string, (isThere: boolean) => void])[] = [
    ['etcd takes nothing', (isThere) => void (etcd.unavailable = isThere ? 'the database of etcd is full' : undefined)],
    ['two nodes are behind', (isThere) => void (etcd.applying = isThere ? 1 : 3)],
    [
      'etcd is slow',
      (isThere) => {
        etcd.delay = async () => {
          if (isThere) time.ms += 700
          await Promise.resolve()
        }
      },
    ],
  ]
  test.each(FAULTS)('a host does not go on alone while %s: the others may be there', async (_, fault) => {
    fault(true)
    const a = await start('a')
    for (let ms = 0; ms < 4 * ALONE_MS; ms += 250) await time.pass(250)
    expect(a.claims.catchUp.isDone).toBe(false)
    expect(await time.decided(a.ledger.claim('ssh', 'm'))).toEqual(refused)
    fault(false)
    await time.until(() => a.claims.catchUp.isDone)
  })

  test('nor while its own news are held back', async () => {
    const a = await start('a')
    a.watch.hold()
    for (let ms = 0; ms < 4 * ALONE_MS; ms += 250) await time.pass(250)
    expect(a.claims.catchUp.isDone).toBe(false)
  })

  test('answers that are forged, or repeated from an earlier start, count for nothing', async () => {
    const a = await host('a')
    const first = await host('b')
    first.stop()
    a.stop()
    const answers = written.filter(({ kv }) => kv.key.startsWith(KEYS.answer('')))
    expect(answers.length).toBeGreaterThan(0)
    const b = await start('b')
    const before = time.ms
    while (time.ms - before < ALONE_MS - 100) {
      for (const { kv } of answers) etcd.put(kv.key, kv.value)
      etcd.put(KEYS.answer('a'), 'x'.repeat(100))
      etcd.put(KEYS.answer('b'), answers[0]!.kv.value)
      await time.pass(100)
    }
    expect(b.claims.catchUp.isDone).toBe(false)
  })

  test('questions that are forged or repeated are answered by nobody', async () => {
    const [a, b] = [await host('a'), await host('b')]
    const c = await host('c')
    c.stop()
    const questions = written.filter(({ kv }) => kv.key.startsWith(KEYS.question('')))
    const restarted = await host('a', a.disk)
    const before = puts(KEYS.answer(''))
    for (let round = 0; round < 20; round++) {
      for (const { kv } of questions) etcd.put(kv.key, kv.value)
      etcd.put(KEYS.question('c'), 'x {"nonce":"x","told":99999}')
      await time.pass(100)
    }
    expect(puts(KEYS.answer(''))).toBe(before)
    expect([b, restarted].map(({ claims }) => claims.catchUp.isDone)).toEqual([true, true])
  })

  test('one host of many answers, or some, and many questions with one message', async () => {
    const first = await start('h0', undefined, 200)
    await time.until(() => first.claims.catchUp.isDone)
    const hosts: Host[] = [first]
    for (let each = 1; each < 40; each++) hosts.push(await start(`h${each}`, undefined, 200))
    await time.until(() => hosts.every(({ claims }) => claims.catchUp.isDone))
    const [questions, answers] = [puts(KEYS.question('')), puts(KEYS.answer(''))]
    const late = await start('late', undefined, 200)
    await time.until(() => late.claims.catchUp.isDone)
    expect(puts(KEYS.question('')) - questions).toBeLessThanOrEqual(2)
    expect(puts(KEYS.answer('')) - answers).toBeLessThan(10)
  })

  test('hosts that start together without one that knows all find out that nobody is there, and ask little', async () => {
    const hosts: Host[] = []
    for (let each = 0; each < 40; each++) hosts.push(await start(`h${each + 10}`, undefined, 40))
    const before = time.ms
    await time.until(() => hosts.every(({ claims }) => claims.catchUp.isDone))
    expect(time.ms - before).toBeLessThan(15_000)
    expect(puts(KEYS.question(''))).toBeLessThan(200)
  })

  test('a host that knows more than it can tell keeps others from going on alone', async () => {
    const messages = new CatchUpMessages(KEYS, FLEET_KEY)
    const b = await start('b')
    await time.until(() => puts(KEYS.question('b')) > 0)
    const { nonce } = messages.readQuestion('b', etcd.kvs.get(KEYS.question('b'))!.value)!
    const answer = { to: { b: nonce }, isCaughtUp: false, records: [], part: 0, isLast: true, isCut: true }
    for (let seconds = 0; seconds < 20; seconds += 5) {
      etcd.put(KEYS.answer('a'), messages.answer('a', answer))
      await time.pass(100)
      for (let ms = 100; ms < 5_000; ms += 100) await time.pass(100)
    }
    expect(b.claims.catchUp.isDone).toBe(false)
    await time.until(() => b.claims.catchUp.isDone)
  })

  test('it tells as much as it may, in parts, and asks nobody to go on', async () => {
    const keyspace = KEYS
    const messages = new CatchUpMessages(keyspace, FLEET_KEY)
    let missed: readonly (readonly [string, string])[] = []
    const { clock } = time
    const leases = new Leases(etcd, () => clock.now(), 0)
    const seen = { isChecked: true, round: 1, missed: () => missed }
    const deps = { etcd, leases, clock, keyspace, messages, host: 'a', seen, hosts: () => 2, random: () => 0 }
    const answers = new CatchUpAnswers({ ...deps, isCaughtUp: () => true })
    const told = async (nonce: string, at_: number): Promise<readonly unknown[]> => {
      const before = written.length
      answers.hear('b', { nonce, told: at_ }, 0)
      for (let ms = 0; ms < 500; ms += 25) await time.pass(25)
      return written.slice(before).map(({ kv }) => {
        const { records, part, isLast, isCaughtUp, isCut } = messages.readAnswer('a', kv.value)!
        return [records.length, part, isLast, isCaughtUp, isCut]
      })
    }
    missed = Array.from({ length: 3 }, (_, each) => [`n${each}`, 'x'.repeat(PART_MAX_CHARS - 10)] as const)
    expect(await told('one', 1)).toEqual([
      [1, 0, false, true, false],
      [1, 1, false, true, false],
      [1, 2, true, true, false],
    ])
    missed = Array.from({ length: PARTS_MAX + 1 }, (_, each) => [`n${each}`, 'x'.repeat(PART_MAX_CHARS - 10)] as const)
    const cut = await told('two', 2)
    expect([cut.length, cut.at(-1)]).toEqual([PARTS_MAX, [1, PARTS_MAX - 1, true, false, true]])
    seen.isChecked = false
    missed = []
    expect(await told('three', 3)).toEqual([[0, 0, true, false, true]])
    answers.close()
  })

  test('what many hosts are told is kept once, for some seconds, and then no answer is looked at', async () => {
    const seen = { isChecked: true, round: 1, missed: () => [] }
    const messages = new CatchUpMessages(KEYS, FLEET_KEY)
    const leases = new Leases(etcd, () => time.ms, 0)
    const deps = { etcd, leases, clock: time.clock, keyspace: KEYS, messages, host: 'a', seen, random: () => 999 }
    const answers = new CatchUpAnswers({ ...deps, hosts: () => 1_000, isCaughtUp: () => false })
    const askers = Array.from({ length: 300 }, (_, each) => `h${each}`)
    for (const asker of askers) answers.hear(asker, { nonce: 'n', told: 1 }, 0)
    const to = Object.fromEntries(askers.map((asker) => [asker, 'n']))
    const before = process.memoryUsage().heapUsed
    for (let part = 0; part < 10; part++) {
      const records = Array.from({ length: 2_000 }, (_, each) => [`${part} ${each}`, 'text'] as const)
      answers.heard({ to, records, part, isLast: part === 9, isCaughtUp: true, isCut: false })
    }
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100_000_000)
    expect(answers.isIdle).toBe(false)
    await time.pass(5_001)
    expect(answers.isIdle).toBe(true)
    answers.close()
  })

  test('a claim that has waited for too long is refused, and wins when it is presented again', async () => {
    etcd.unavailable = 'no majority of etcd answers'
    const a = await start('a')
    const before = time.ms
    expect(await time.decided(a.ledger.claim('ssh', 'm'))).toEqual({
      unavailable: 'fleet unavailable: this host does not know yet what others used up: no majority of etcd answers',
    })
    expect(time.ms - before).toBeLessThan(CLAIM_WITHIN_MS + 100)
    etcd.unavailable = undefined
    await time.until(() => a.claims.catchUp.isDone)
    expect(await a.ledger.claim('ssh', 'm')).toBe('won')
  })
})
