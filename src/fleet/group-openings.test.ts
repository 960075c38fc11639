// Goal: an opening from another host opens here once, for its groups, as far as this host allows, until its end. An
// event that no host of the fleet has signed opens nothing, in any order, number or state.
import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { beforeEach, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { SLOW } from '../../test/slow.ts'
import { CMD_TIMEOUT_MS, GroupHost, KEYSPACE, SKEW_MS, eventOf } from './group-host-fake.ts'
import { TOLD_MAX_MS } from './opening-event.ts'
import type { OpeningEvent } from './opening-event.ts'
import { UNKNOWN_MAX } from './group-openings.ts'
import { LIST_AGAIN_MS } from './own-groups.ts'
import { signText } from './signed.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import { TAKEN_HOST_MAX, TakenOpenings } from './taken-openings.ts'
import { HOST_EVENTS } from './verify-budget.ts'

const ID = 'a'.repeat(22)
const KEY = KEYSPACE.opening('bastion', ID)
const STRANGER = generateKeyPairSync('ed25519').privateKey

let host: GroupHost
let bastion: KeyObject

beforeEach(async () => {
  host = await GroupHost.start()
  bastion = host.join('bastion')
})

const signed = (of: Partial<OpeningEvent> = {}, key = KEY, by = bastion, name = 'bastion'): string =>
  signText(key, eventOf(of, host.clock.now()), { name, key: by })
const tell = async (of: Partial<OpeningEvent> = {}): Promise<void> => {
  const key = KEYSPACE.opening('bastion', of.id ?? ID)
  await host.put(key, signed(of, key))
}
const leftMs = (): number | undefined => {
  const [hold] = host.open.values()
  return hold === undefined ? undefined : hold.endsAt - host.clock.steady()
}

test('an event opens for the same address and user, names its host, and ends with its time', async () => {
  await tell()
  expect(host.opener.opened).toMatchObject([{ door: { name: 'ssh' }, user: 'alice', ms: 30_000, from: 'bastion' }])
  expect(host.lines).toEqual(['192.0.2.7: ssh: OPEN SESAME (alice, told by bastion)'])
  await host.pass(30_000)
  expect(host.open.size).toBe(0)
})

test.each<[string, Partial<OpeningEvent>]>([
  ['another group', { groups: ['db'] }],
  ['a door that is not here', { door: 'gone' }],
  ['a door of this host alone', { door: 'own' }],
  ['an address that the door does not admit', { source: '198.51.100.7' }],
  ['a user who is not here', { user: 'mallory' }],
  ['ports that the door does not open', { services: 'tcp/25' }],
  ['a forward', { forward: '198.51.100.7,22' }],
  ['a time that is over', { until: 1 }],
])('%s opens nothing', async (_, of) => {
  await tell(of)
  expect(host.opener.opened).toEqual([])
  // An opening by hand names the operator as its user; all else is as before.
  if (of.user === undefined) {
    await tell({ ...of, holder: 'hand', number: host.clock.now() + 1 })
    expect(host.opener.opened).toEqual([])
  }
})

test.each<[string, Record<string, unknown>]>([
  ['no address', { source: 'localhost' }],
  ['an address in another form', { source: '2001:DB8::7' }],
  ['a control character', { user: 'alice\nroot' }],
  ['a claimed name with a blank', { claimedUser: 'a b' }],
  ['a number in words', { number: '7' }],
  ['no groups', { groups: [] }],
  ['another action', { action: 'run' }],
  ['commands for ports', { services: 'tcp/22; reboot' }],
  ['another protocol', { protocol: 132 }],
  ['a time without end', { until: 2 ** 52 }],
])('an event with %s is refused, even if it is signed', async (_, of) => {
  await tell(of)
  expect(host.opener.opened).toEqual([])
})

test('of the ports, those open that both doors have', async () => {
  await tell({ services: 'tcp/80,tcp/443' })
  expect(host.opener.opened[0]!.services).toMatchObject([{ first: 80, last: 80 }])
})

test('an event that its host has not signed opens nothing, nor does a copy elsewhere; that is logged once for each host', async () => {
  const other = KEYSPACE.opening('bastion', 'b'.repeat(22))
  const db = host.join('db1')
  for (const [key, text] of [
    [KEY, signed({}, KEY, STRANGER)],
    [KEY, signed({}, KEY, db, 'db1')],
    [KEY, signed({}, other)],
    [other, signed({ id: 'b'.repeat(22) }, KEY)],
    [KEYSPACE.opening('db1', ID), signed()],
    [KEYSPACE.opening('mallory', ID), signed({}, KEYSPACE.opening('mallory', ID), STRANGER, 'mallory')],
    [`${KEY}/x`, signed({}, `${KEY}/x`)],
    [KEY, '{}'],
    [KEY, 'x'.repeat(100_000)],
  ] as const)
    await host.put(key, text)
  expect(host.opener.opened).toEqual([])
  expect(host.lines).toEqual([
    'an opening in etcd that bastion has not signed is refused: the signature is wrong',
    'an opening in etcd that db1 has not signed is refused: it is signed by somebody who may not',
  ])
})

test('a host ignores its own events', async () => {
  const own = host.join('web1')
  const key = KEYSPACE.opening('web1', ID)
  await host.put(key, signed({}, key, own, 'web1'))
  expect(host.opener.opened).toEqual([])
})

test('a copy opens nothing: at once, after a close by hand, after a restart, or after the clock was set back', async () => {
  const text = signed()
  await host.put(KEY, text)
  host.opener.holds.clear()
  await host.put(KEY, text)
  await host.restart()
  await host.put(KEY, text)
  await host.list(new Map([[KEY, text]]))
  const before = host.clock.now()
  // Long after its end the event is forgotten.
  await host.pass(300_000)
  expect([...host.store.keys('fleet-opening\n')]).toEqual([])
  host.clock.set(before)
  await host.put(KEY, text)
  await host.restart()
  await host.put(KEY, text)
  expect(host.opener.opened).toHaveLength(1)
})

test('a later deadline extends the opening, and an earlier event that comes late changes nothing', async () => {
  const now = host.clock.now()
  const texts = [1, 2, 3].map((step) =>
    signed({ number: now + step, at: now + step * 1_000, until: now + 30_000 + step * 1_000 }),
  )
  await host.put(KEY, texts[0]!)
  await host.pass(3_000)
  await host.put(KEY, texts[2]!)
  await host.put(KEY, texts[1]!)
  expect(leftMs()).toBe(30_000)
  expect(host.opener.opened).toHaveLength(2)
})

test('a close ends only what the fleet opened, and an opening that comes after its close opens nothing', async () => {
  const now = host.clock.now()
  await tell()
  host.opener.holds.set('own:mark', { grant: { ...host.opener.opened[0]!, holder: 'own:mark' }, endsAt: Infinity })
  await tell({ action: 'close', number: now + 5 })
  expect([...host.opener.holds.keys()]).toEqual(['own:mark'])
  expect(host.lines.at(-1)).toBe('192.0.2.7: ssh: closed early, told by bastion')
  await tell({ number: now + 4 })
  // This host has not heard of another opening: its close comes first.
  const id = 'c'.repeat(22)
  await tell({ id, action: 'close', number: now + 9 })
  await tell({ id, number: now + 8 })
  await host.restart()
  await tell({ id, number: now + 8 })
  expect(host.opener.opened).toHaveLength(1)
})

test('groups that no longer name this host close the opening', async () => {
  await tell()
  await tell({ groups: ['db'], number: host.clock.now() + 1 })
  expect(host.open.size).toBe(0)
})

test('a connection at another host extends what is open here, and does not open again what was closed here', async () => {
  const now = host.clock.now()
  await tell()
  await host.pass(20_000)
  await tell({ action: 'extend', number: now + 1, at: now + 20_000, until: now + 50_000 })
  expect(host.opener.opened).toHaveLength(2)
  expect(leftMs()).toBe(30_000)
  host.opener.holds.clear()
  await tell({ action: 'extend', number: now + 2, at: now + 30_000, until: now + 60_000 })
  expect(host.opener.opened).toHaveLength(2)
  await tell({ number: now + 3 })
  expect(host.open.size).toBe(1)
  // A host that was away has never heard of it.
  await tell({ id: 'c'.repeat(22), action: 'extend', number: now + 4 })
  expect(host.open.size).toBe(2)
})

test('an opening lasts no longer than this door allows, from the proof on', async () => {
  const at = host.clock.now() - 20_000
  await tell({ at, until: at + 3_600_000 })
  expect(leftMs()).toBe(CMD_TIMEOUT_MS - 20_000)
})

test('a slow clock makes no opening longer, and one that is too slow opens nothing until it is set', async () => {
  const ahead = host.clock.now() + SKEW_MS
  await tell({ at: ahead, until: ahead + 30_000 })
  expect(leftMs()).toBe(30_000)
  const far = host.clock.now() + SKEW_MS + 1_000
  await tell({ id: 'c'.repeat(22), at: far, until: far + 30_000 })
  expect(host.opener.opened).toHaveLength(1)
  expect(host.lines.at(-1)).toContain('the clock of bastion is 11 s ahead of this one: set both')
  host.clock.set(far)
  await host.pass(1_000)
  expect(host.opener.opened).toHaveLength(2)
})

test('while the clock is off, nothing opens or lasts longer, and all can be closed', async () => {
  await tell({ until: host.clock.now() + 5_000 })
  await tell({ id: 'c'.repeat(22) })
  host.doubt = "this clock is 60 s behind the other hosts'"
  await tell({ action: 'extend', number: host.clock.now() + 1 })
  await tell({ id: 'd'.repeat(22) })
  await tell({ id: 'e'.repeat(22), holder: 'hand' })
  await tell({ id: 'c'.repeat(22), action: 'close', number: host.clock.now() + 1 })
  expect(host.opener.opened).toHaveLength(2)
  expect(host.lines.join()).toContain("told by bastion: this clock is 60 s behind the other hosts'")
  await host.pass(5_000)
  expect(host.open.size).toBe(0)
  host.doubt = undefined
  await host.pass(10_000)
  // An opening that was extended stays open there.
  expect(host.open.size).toBe(2)
})

test('an extension of something that was never open here is logged as an opening', async () => {
  await tell({ action: 'extend' })
  await tell({ action: 'extend', number: host.clock.now() + 1 })
  expect(host.opener.opened).toHaveLength(2)
  expect(host.lines).toEqual(['192.0.2.7: ssh: OPEN SESAME (alice, told by bastion)'])
})

test('an opening of an unknown user or host opens once they are known, for the remaining time', async () => {
  await tell({ user: 'bob' })
  const db = KEYSPACE.opening('db1', ID)
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  await host.put(db, signed({}, db, privateKey, 'db1'))
  await host.pass(5_000)
  expect(host.opener.opened).toEqual([])
  host.users.add('bob')
  host.keys.set('db1', publicKey)
  await host.pass(20_000)
  expect(new Set(host.opener.opened.map(({ from }) => from))).toEqual(new Set(['bastion', 'db1']))
  expect(host.opener.opened).toHaveLength(2)
  expect(host.open.size).toBe(2)
  await host.pass(6_000)
  expect(host.open.size).toBe(0)
})

test.each<[string, GroupHost['own']]>([
  ['is in no list', undefined],
  ['is in no group', { name: 'web1', groups: [], key: '' }],
])('an opening that comes while this host %s opens once the host is, for the remaining time', async (_, own) => {
  const groups = { name: 'web1', groups: ['web'], key: '' }
  host.own = own
  const text = signed()
  await host.put(KEY, text)
  await host.pass(5_000)
  // etcd may return no list at that moment.
  host.inEtcd = undefined
  host.own = groups
  await host.pass(1_000)
  expect(host.opener.opened).toEqual([])
  host.inEtcd = new Map([[KEY, text]])
  await host.pass(LIST_AGAIN_MS)
  expect(leftMs()).toBeGreaterThan(15_000)
  host.opener.holds.clear()
  host.own = { ...groups, groups: ['web', 'db'] }
  await host.pass(2_000)
  expect(host.opener.opened).toHaveLength(1)
  // An opening that is over by then opens nothing.
  const late = KEYSPACE.opening('bastion', 'b'.repeat(22))
  host.inEtcd = new Map([[late, signed({ id: 'b'.repeat(22) }, late)]])
  await host.pass(30_000)
  host.own = groups
  await host.pass(2_000)
  expect(host.opener.opened).toHaveLength(1)
})

test('an opening that its host signed with a new key opens once the list of hosts has that key', async () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  await host.put(KEY, signed({}, KEY, privateKey))
  await host.put(KEYSPACE.opening('bastion', 'b'.repeat(22)), signed({}, KEY, STRANGER))
  await host.pass(2_000)
  expect(host.opener.opened).toEqual([])
  host.keys.set('bastion', publicKey)
  await host.pass(1_000)
  expect(host.opener.opened).toMatchObject([{ from: 'bastion' }])
  await host.pass(10_000)
  expect(host.opener.opened).toHaveLength(1)
})

test('events of a host that was removed open nothing, even if they came before', async () => {
  await tell({ user: 'bob' })
  host.keys.delete('bastion')
  host.users.add('bob')
  await host.pass(5_000)
  await tell({ number: host.clock.now() + 1 })
  expect(host.opener.opened).toEqual([])
})

test('an opening that is no longer allowed in its turn stays shut; a full disk opens nothing', async () => {
  host.mayOpen = false
  await tell()
  host.mayOpen = true
  host.disk.fail = () => new Error('no space left on device')
  await tell({ id: 'c'.repeat(22) })
  expect(host.opener.opened).toEqual([])
  expect(host.lines.join()).toContain('no space left on device')
})

test('after the journal was lost, earlier events open nothing: they may have been closed since', async () => {
  await tell({ user: 'bob' })
  const text = signed()
  await host.pass(1_000)
  const { Store } = await import('../state/store.ts')
  Object.defineProperty(host.store, 'loss', { value: { kind: 'lost', at: host.clock.now() } })
  expect(host.store).toBeInstanceOf(Store)
  await host.put(KEY, text)
  expect(host.opener.opened).toEqual([])
  expect(host.lines.at(-1)).toContain('the record of earlier openings was lost')
})

test('a flood costs a limited number of checks a second, and the events of other hosts are accepted meanwhile', async () => {
  const db = host.join('db1')
  const forged = JSON.parse(signed({}, KEY, STRANGER)) as { by: string; body: string; signature: string }
  const COUNT = 20_000
  const changes = Array.from({ length: COUNT }, (__, at) => {
    const id = String(at).padStart(22, '0')
    const body = forged.body.replace(ID, id)
    const kv = { key: KEYSPACE.opening('bastion', id), value: JSON.stringify({ ...forged, body }), modRevision: '1' }
    return { type: 'put' as const, kv }
  })
  const began = process.cpuUsage()
  host.openings.changed(changes)
  const { user, system } = process.cpuUsage(began)
  const key = KEYSPACE.opening('db1', ID)
  await host.put(key, signed({}, key, db, 'db1'))
  expect(host.opener.opened).toHaveLength(1)
  expect(host.lines.length).toBeLessThanOrEqual(3)
  expect(host.lines.join()).toContain('too many events of bastion in etcd: some openings are lost')
  // Times are in milliseconds: a check takes 0.1 ms.
  expect((user + system) / 1_000 / COUNT).toBeLessThan(0.05)
})

test('events that wait for a key cost nothing while they wait, however many there are', async () => {
  // Without the key nobody can tell that the signature is that of another event.
  const text = signed({ groups: Array.from({ length: 60 }, (_, group) => `group${group}`) })
  for (let at = 0; at < UNKNOWN_MAX; at++) {
    const id = String(at).padStart(22, '0')
    const key = KEYSPACE.opening('mallory', id)
    const value = text.replaceAll(ID, id)
    host.openings.changed([{ type: 'put', kv: { key, value, modRevision: '1' } }])
  }
  const began = process.cpuUsage()
  await host.pass(10_000)
  const { user, system } = process.cpuUsage(began)
  // The milliseconds of ten seconds with 20 looks: if each event was read, a look took 20 ms and more.
  expect((user + system) / 1_000).toBeLessThan(200)
})

test('events beyond those of a second are accepted afterwards', async () => {
  const ids = Array.from({ length: HOST_EVENTS.burst + 100 }, (_, at) => String(at).padStart(22, 'x'))
  await host.list(
    new Map(ids.map((id) => [KEYSPACE.opening('bastion', id), signed({ id }, KEYSPACE.opening('bastion', id))])),
  )
  expect(host.opener.opened).toHaveLength(HOST_EVENTS.burst)
  await host.pass(2_000)
  expect(host.opener.opened).toHaveLength(ids.length)
})

test('the end of an opening is forgotten some day, whatever the clock of its host', async () => {
  const at = host.clock.now() + 365 * 86_400_000
  await tell({ action: 'close', at, until: at + 30_000 })
  expect(host.lines).toEqual([])
  expect([...host.store.keys('fleet-opening\n')]).toHaveLength(1)
  host.clock.set(host.clock.now() + TOLD_MAX_MS)
  await host.pass(120_000)
  expect([...host.store.keys('fleet-opening\n')]).toEqual([])
})

test('of two events with the same number one is accepted', async () => {
  const ledger = new JournalLedger(host.store)
  const taken = new TakenOpenings({ ledger, store: host.store, clock: host.clock, clockSkewMs: SKEW_MS })
  const event = eventOf({}, host.clock.now())
  const both = await Promise.all([taken.take('bastion', event), taken.take('bastion', event)])
  expect(both).toEqual(['won', 'lost'])
  expect(await taken.take('bastion', { ...event, number: event.number - 1 })).toBe('lost')
})

test('one host cannot fill the journal', async () => {
  const { store, clock } = host
  const taken = new TakenOpenings({ ledger: new JournalLedger(store), store, clock, clockSkewMs: SKEW_MS })
  // Not by signed events, since to sign and to check them takes far longer than to write them.
  const answers = await Promise.all(
    Array.from({ length: TAKEN_HOST_MAX + 1 }, async (_, at) => {
      const id = String(at).padStart(22, 'x')
      return await taken.take('bastion', eventOf({ id, until: clock.now() + 59_000 }, clock.now()))
    }),
  )
  expect(answers.slice(0, -1)).toEqual(answers.slice(0, -1).map(() => 'won'))
  const full = 'too many openings of bastion at a time'
  expect(answers.at(-1)).toEqual({ unavailable: full })
  await host.restart()
  await tell({ id: 'y'.repeat(22) })
  expect(host.opener.opened).toEqual([])
  expect([...host.store.keys('fleet-opening\n')]).toHaveLength(TAKEN_HOST_MAX)
  expect(host.lines.join()).toContain(full)
})

const GROUPS = { a: ['web'], b: ['all'], c: ['db'], d: ['db', 'web'] } as const

/** An event in the world around the host. */
type Step =
  | {
      readonly kind: 'tell'
      readonly of: Partial<OpeningEvent>
      readonly agoMs: number
      readonly forMs: number
      readonly by: By
    }
  | { readonly kind: 'again' | 'relist'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'restart' | 'close here' | 'leave' | 'join' }
type By = 'bastion' | 'db1' | 'stranger' | 'copied'

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('tell' as const),
      of: fc.record({
        id: fc.constantFrom('a', 'a', 'b', 'c', 'd').map((letter) => letter.repeat(22)),
        action: fc.constantFrom('open', 'open', 'extend', 'close'),
        number: fc.integer({ min: 1, max: 8 }),
        door: fc.constantFrom('ssh', 'ssh', 'ssh', 'own', 'gone'),
        source: fc.constantFrom('192.0.2.7', '192.0.2.7', '198.51.100.7'),
        user: fc.constantFrom('alice', 'alice', 'mallory'),
      }),
      agoMs: fc.integer({ min: -20_000, max: 70_000 }),
      forMs: fc.integer({ min: 1, max: 200_000 }),
      by: fc.constantFrom<By>('bastion', 'bastion', 'bastion', 'db1', 'stranger', 'copied'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('again' as const, 'relist' as const), which: fc.nat(20) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40_000 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('restart', 'close here', 'leave', 'join') as fc.Arbitrary<'restart'>,
    }),
  },
)

test('whatever comes in whatever order, nothing opens without an event, nothing twice, and nothing beyond its deadline', async () => {
  const OPENED = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 4, maxLength: 25 }), async (list) => {
      const world = await GroupHost.start()
      const keys = { bastion: world.join('bastion'), db1: world.join('db1'), stranger: STRANGER, copied: STRANGER }
      const publicKeys = new Map(world.keys)
      /** All events that were ever in etcd, and what each genuine one says. */
      const texts: { key: string; value: string; event?: OpeningEvent; host: string }[] = []
      const seenAt = new Map<string, number>()
      const put = async (text: (typeof texts)[number]): Promise<void> => {
        const { event, host: by } = text
        if (event !== undefined && world.keys.has(by)) {
          const mark = `${by}/${event.id}`
          seenAt.set(mark, Math.max(seenAt.get(mark) ?? 0, event.number))
        }
        await world.put(text.key, text.value)
      }
      let opened = 0
      for (const step of list) {
        if (step.kind === 'tell') {
          const at = world.clock.now() - step.agoMs
          // An id is a hash that includes the groups.
          const groups = GROUPS[step.of.id![0] as keyof typeof GROUPS]
          const event = eventOf({ ...step.of, groups, at, until: at + step.forMs }, at)
          const by = step.by === 'db1' ? 'db1' : 'bastion'
          const key = KEYSPACE.opening(by, event.id)
          const place = step.by === 'copied' ? KEYSPACE.opening(by, 'z'.repeat(22)) : key
          const secret = step.by === 'copied' ? keys.bastion : keys[step.by]
          const value = signText(place, event, { name: by, key: secret })
          const isGenuine = step.by === 'bastion' || step.by === 'db1'
          const text = { key, value, host: by, ...(isGenuine ? { event } : {}) }
          texts.push(text)
          await put(text)
        } else if (step.kind === 'again' && texts.length > 0) await put(texts[step.which % texts.length]!)
        else if (step.kind === 'relist') {
          const some = texts.filter((_, at) => (at + step.which) % 3 > 0)
          for (const text of some) if (text.event !== undefined) await put(text)
          await world.list(new Map(some.map(({ key, value }) => [key, value])))
        } else if (step.kind === 'pass') await world.pass(step.ms)
        else if (step.kind === 'restart') await world.restart()
        else if (step.kind === 'close here') world.opener.holds.clear()
        else if (step.kind === 'leave') {
          world.keys.delete('bastion')
          // The reconciler closes the openings of a host that was removed.
          void world.opener.release(({ holder }) => holder?.includes('@bastion/') !== true)
        } else world.keys.set('bastion', publicKeys.get('bastion')!)
        for (const [index, grant] of world.opener.opened.entries()) {
          if (index < opened) continue
          const [, by, id] = /@([^/]+)\/(.+)$/.exec(grant.holder)!
          const now = world.opener.openedAt[index]!
          const told = texts
            .filter(({ event, host: from }) => from === by && event?.id === id)
            .map(({ event }) => event!)
          const allowed = told.filter(
            (event) =>
              event.action !== 'close' &&
              event.groups.some((group) => group === 'web' || group === 'all') &&
              event.door === 'ssh' &&
              event.source === '192.0.2.7' &&
              event.user === 'alice' &&
              event.at <= now + SKEW_MS &&
              now + grant.ms <= Math.min(event.until, event.at + CMD_TIMEOUT_MS) + Math.max(0, event.at - now),
          )
          expect(allowed.length, JSON.stringify({ told, grant: grant.holder, ms: grant.ms })).toBeGreaterThan(0)
          OPENED.add(grant.holder)
        }
        opened = world.opener.opened.length
        // Each event opens once at most, so that there are never more openings than events.
        const genuine = new Set(
          texts.flatMap(({ event, host: by }) => (event === undefined ? [] : [`${by}/${event.id}/${event.number}`])),
        )
        expect(opened).toBeLessThanOrEqual(genuine.size)
        for (const [mark] of world.open) {
          const last = texts
            .filter(({ event, host: by }) => event !== undefined && `${by}/${event.id}` === mark)
            .map(({ event }) => event!)
            .filter(({ number }) => number === seenAt.get(mark))
          const isEnded =
            last.length > 0 && last.every(({ action, until }) => action === 'close' && until > world.clock.now())
          expect(isEnded && last.length === 1, mark).toBe(false)
        }
      }
      world.openings.stop()
    }),
    { numRuns: SLOW ? 2_000 : 60 },
  )
  // The property must have seen openings.
  expect(OPENED.size).toBeGreaterThan(0)
}, 120_000)
