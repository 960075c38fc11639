// Goal: the other hosts hear of every opening that the config shares with them, with deadline and end, and of no other.
// No opening waits for etcd. etcd keeps what this host wrote, in spite of other writers.
import { generateKeyPairSync } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { beforeEach, expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import type { Door } from '../config/config.ts'
import { BY_HAND } from '../door/held.ts'
import type { Grant } from '../door/grant.ts'
import { EtcdUnavailable } from '../etcd/unavailable.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { FakeClock } from './clock-fake.ts'
import { Keyspace } from './keyspace.ts'
import { FakeOpener } from './opener-fake.ts'
import { readEvent, vouchedOf } from './opening-event.ts'
import type { OpeningEvent } from './opening-event.ts'
import { openSigned } from './signed.ts'
import { SpreadingOpener } from './spreading-opener.ts'
import { TOLD_SOURCE_MAX, ToldOpenings } from './told-openings.ts'

const CONFIG = `[options]
Fleet = /etc/postern/fleet/fleet.conf
[ssh]
Sequence = 7431,8020,6001
Open_Ports = tcp/22
Scope = fleet
Opens_On = web
[far]
Sequence = 7431,8020,6002
Start_Command = true
Scope = fleet
Opens_On = web,db
[own]
Sequence = 7431,8020,6003
Open_Ports = tcp/22
`
const KEYSPACE = new Keyspace('home')
const SIGNER = { name: 'bastion', key: generateKeyPairSync('ed25519') }
const SKEW_MS = 10_000

/** etcd, as far as this host writes to it. */
class FakeEtcd {
  readonly values = new Map<string, string>()
  readonly leases = new Map<string, number>()
  puts = 0
  grants = 0
  failure: EtcdUnavailable | undefined
  /** Settles before a put is answered. */
  ready: Promise<void> = Promise.resolve()

  async put(key: string, value: string, lease?: string): Promise<unknown> {
    await this.ready
    if (this.failure !== undefined) throw this.failure
    this.puts++
    this.values.set(key, value)
    expect(this.leases.has(lease ?? '')).toBe(true)
    return {}
  }

  async grant(ttlS: number): Promise<string> {
    if (this.failure !== undefined) throw this.failure
    this.grants++
    this.leases.set(String(this.grants), ttlS)
    return await Promise.resolve(String(this.grants))
  }
}

const FLEET_KEY = Buffer.alloc(32)

let clock: FakeClock
let etcd: FakeEtcd
let inner: FakeOpener
let told: ToldOpenings
let opener: SpreadingOpener
let doors: readonly Door[]
let lines: string[]

const doorOf = (name: string): Door | undefined => doors.find((each) => each.name === name)

/** Starts the daemon, with what etcd has and with what is open. */
function start(): void {
  lines = []
  told = new ToldOpenings({
    keyspace: KEYSPACE,
    signer: { name: SIGNER.name, key: SIGNER.key.privateKey },
    etcd,
    clock,
    clockSkewMs: SKEW_MS,
    log: { notice: (_, text) => void lines.push(text) },
    found: () => opener.compare(),
  })
  opener = new SpreadingOpener({
    opener: inner,
    told,
    door: doorOf,
    fleetKey: FLEET_KEY,
    now: () => clock.now(),
  })
}

beforeEach(() => {
  clock = new FakeClock()
  etcd = new FakeEtcd()
  inner = new FakeOpener(clock)
  doors = readConfig(CONFIG, 'k').config!.doors
  start()
  opener.start()
})

const settled = async (): Promise<void> => {
  for (let round = 0; round < 20; round++) await setImmediate()
}
const pass = async (ms: number): Promise<void> => await clock.pass(ms, settled)
const SOURCE = parseAddress('192.0.2.7')!
const grant = (name: string, of: Partial<Grant> = {}): Grant => {
  const door = doors.find((each) => each.name === name)!
  return { door, source: SOURCE, ms: 30_000, user: 'alice', holder: 'sequence:k:alice', protocol: TCP, port: 1, ...of }
}
const open = async (name: string, of: Partial<Grant> = {}): Promise<boolean> => {
  const isOpen = await opener.open(grant(name, of), () => undefined)
  await settled()
  return isOpen
}
/** The events that etcd has. Each is signed for its place. */
const events = (): readonly OpeningEvent[] =>
  Array.from(etcd.values, ([key, value]) => {
    const { body } = openSigned(key, value, (name) => (name === 'bastion' ? SIGNER.key.publicKey : undefined))
    const event = readEvent(body)!
    expect(key).toBe(KEYSPACE.opening('bastion', event.id))
    return event
  })
const list = async (): Promise<void> => {
  told.listed(Array.from(etcd.values, ([key, value]) => ({ key, value, modRevision: '1' })))
  await settled()
}
const change = async (key: string, value: string | undefined): Promise<void> => {
  if (value === undefined) etcd.values.delete(key)
  else etcd.values.set(key, value)
  const kv = { key, value: value ?? '', modRevision: '1' }
  told.changed([{ type: value === undefined ? 'delete' : 'put', kv }])
  await settled()
}

test('the port of the last knock is told to hosts with the key of the fleet, and to nobody who reads etcd', async () => {
  const ports = [9_001, 9_002, 0, 65_535]
  for (const [at, port] of ports.entries()) await open('ssh', { port, holder: `sequence:k:${at}` })
  const all = events()
  expect(all).toHaveLength(ports.length)
  expect(all.map((event) => vouchedOf(event, FLEET_KEY).port)).toEqual(ports)
  // One of 65,536 masks leaves a port as it is.
  expect(all.filter(({ port }) => ports.includes(port)).length).toBeLessThan(2)
})

test('an opening is told with its deadline, and forgotten by etcd after it', async () => {
  expect(await open('ssh')).toBe(true)
  const at = clock.now()
  const common = { door: 'ssh', source: '192.0.2.7', user: 'alice', groups: ['web'], holder: 'sequence:k:alice' }
  expect(events()).toMatchObject([{ action: 'open', at, until: at + 30_000, ...common }])
  const [ttlS] = etcd.leases.values()
  expect(ttlS).toBeGreaterThanOrEqual(40)
  expect(ttlS).toBeLessThanOrEqual(100)
  // One lease for many keys.
  for (let count = 0; count < 20; count++) await open('ssh', { holder: `sequence:k:${count}` })
  expect(etcd.values.size).toBe(21)
  expect(etcd.grants).toBe(1)
})

test.each<[string, string, Partial<Grant>]>([
  ['a door of this host alone', 'own', {}],
  ['what another host told', 'ssh', { from: 'web1', holder: 'sequence:k:alice@web1/x' }],
  ["a packet's own command", 'ssh', { commands: { start: 'true', stop: undefined } }],
  ['no time', 'ssh', { ms: 0 }],
])('%s is not told', async (_, name, of) => {
  expect(await open(name, of)).toBe(true)
  expect(events()).toEqual([])
})

test('a door that stays shut is not told', async () => {
  inner.opens = false
  expect(await open('ssh')).toBe(false)
  expect(events()).toEqual([])
})

test('another knock makes it longer, never shorter; another holder is another opening', async () => {
  await open('ssh')
  await pass(10_000)
  await open('ssh', { ms: 5_000 })
  const until = clock.now() + 20_000
  expect(events()).toMatchObject([{ until }])
  await open('ssh')
  expect(events()).toMatchObject([{ action: 'open', until: clock.now() + 30_000 }])
  const [first] = events()
  await open('ssh', { holder: 'sequence:k:bob', user: 'bob' })
  expect(events()).toHaveLength(2)
  await open('ssh', { ms: 60_000 })
  const last = events().find(({ id }) => id === first!.id)!
  expect(last.number).toBeGreaterThan(first!.number)
})

test('a connection makes it longer', async () => {
  await open('ssh')
  await pass(26_000)
  opener.kept({ door: 'ssh', source: '192.0.2.7', ms: 15_000 })
  await settled()
  expect(events()).toMatchObject([{ action: 'extend', until: clock.now() + 15_000 }])
})

test('by hand: with the name of the operator, whose opening it is', async () => {
  await open('ssh', { holder: BY_HAND, user: undefined, operator: 'ann a' })
  expect(events()).toMatchObject([{ holder: 'hand', operator: 'ann_a' }])
  expect(events()[0]).not.toHaveProperty('user')
})

test('closed by hand, revoked, or with a door that is no longer told: the end is told, with the same deadline', async () => {
  const ends = [
    async () => expect(await opener.close('ssh', SOURCE)).toBe(1),
    async () => await opener.release(({ user }) => user !== 'alice'),
    async () => {
      doors = doors.filter(({ name }) => name !== 'ssh')
      await opener.release(() => true)
    },
  ]
  for (const end of ends) {
    await open('ssh')
    const [{ until, number }] = events() as [OpeningEvent]
    await end()
    await settled()
    expect(events()).toMatchObject([{ action: 'close', until }])
    expect(events()[0]!.number).toBeGreaterThan(number)
    expect([...told.open()]).toEqual([])
  }
})

test('other groups are another opening, and the first one ends', async () => {
  await open('ssh')
  const [{ id }] = events() as [OpeningEvent]
  doors = readConfig(CONFIG.replaceAll('Opens_On = web', 'Opens_On = db'), 'k').config!.doors
  await opener.release(() => true)
  await open('ssh')
  expect(events().map(({ action, groups }) => [action, groups])).toEqual([
    ['close', ['web']],
    ['open', ['db']],
  ])
  expect(events()[1]!.id).not.toBe(id)
})

test('its end at the deadline needs no word', async () => {
  await open('ssh')
  await pass(30_000)
  await opener.release(() => true)
  expect(etcd.puts).toBe(1)
})

test('a door that opens nothing here is closed by hand all the same, and by revocation', async () => {
  await open('far')
  inner.holds.clear()
  await opener.release(() => true)
  expect(events()).toMatchObject([{ action: 'open' }])
  expect(await opener.close('far', undefined)).toBe(1)
  await settled()
  expect(events()).toMatchObject([{ action: 'close' }])
  await open('far')
  inner.holds.clear()
  await opener.release(() => false)
  await settled()
  expect(events()).toMatchObject([{ action: 'close' }])
})

test('nothing here waits for etcd; it is told as soon as etcd answers, the last word alone, and said once', async () => {
  etcd.ready = new Promise(() => undefined)
  expect(await open('ssh')).toBe(true)
  etcd = new FakeEtcd()
  start()
  etcd.failure = new EtcdUnavailable('no-answer', 'connection refused')
  for (let at = 0; at < 10; at++) {
    expect(await open('ssh', { holder: `sequence:k:${at}` })).toBe(true)
    await pass(100)
  }
  await opener.close('ssh', undefined)
  await open('ssh', { holder: 'sequence:k:last' })
  expect(lines).toEqual([
    'fleet unavailable: not told to the others: connection refused\nthey are told until their deadline, as soon as etcd answers',
  ])
  etcd.failure = undefined
  await pass(2_000)
  expect(events().filter(({ action }) => action === 'open')).toMatchObject([{ holder: 'sequence:k:last' }])
  expect(events()).toHaveLength(11)
  expect(etcd.puts).toBe(11)
})

test('what is over while etcd is away is never told', async () => {
  etcd.failure = new EtcdUnavailable('no-majority', 'no majority of etcd answers')
  await open('ssh')
  await pass(30_000)
  etcd.failure = undefined
  await pass(10_000)
  expect(etcd.puts).toBe(0)
})

test('a lease that has ended is replaced', async () => {
  await open('ssh')
  etcd.failure = new EtcdUnavailable('lease', 'the lease has ended')
  await open('ssh', { holder: 'sequence:k:bob' })
  etcd.failure = undefined
  await pass(1_000)
  expect(events()).toHaveLength(2)
  expect(etcd.grants).toBe(2)
})

test('what somebody deletes, overwrites or brings back in etcd is put right, and late news change nothing', async () => {
  await open('ssh')
  const [[key, first]] = [...etcd.values] as [[string, string]]
  await opener.close('ssh', undefined)
  await settled()
  const end = etcd.values.get(key)!
  const puts = () => etcd.puts
  // The watch is behind.
  told.changed([{ type: 'put', kv: { key, value: first, modRevision: '1' } }])
  told.changed([{ type: 'put', kv: { key, value: end, modRevision: '2' } }])
  await pass(3_000)
  expect(puts()).toBe(2)
  for (const value of [first, undefined, '{}']) {
    await change(key, value)
    await pass(1_000)
    expect(etcd.values.get(key)).toBe(end)
  }
  expect(puts()).toBe(5)
  // However often it is done, it is put right once a second.
  for (let at = 0; at < 1_000; at++) await change(key, `{${at}`)
  await pass(1_000)
  expect(puts()).toBe(6)
  etcd.values.clear()
  await list()
  await pass(1_000)
  expect(etcd.values.get(key)).toBe(end)
})

test('after a restart it still knows whom it has told, and tells of what ended meanwhile', async () => {
  await open('ssh')
  await open('ssh', { holder: 'sequence:k:bob', user: 'bob' })
  inner.holds.delete('sequence:k:bob')
  start()
  await list()
  // Not before doors and openings are in force.
  expect(events().every(({ action }) => action === 'open')).toBe(true)
  opener.start()
  await settled()
  const actionOf = (user: string): string => events().find((event) => event.user === user)!.action
  expect([actionOf('alice'), actionOf('bob')]).toEqual(['open', 'close'])
  await opener.close('ssh', undefined)
  await settled()
  expect(actionOf('alice')).toBe('close')
})

test('a clock that was ahead before the restart: the next event counts for the others all the same', async () => {
  clock.set(clock.now() + 8_000)
  await open('ssh')
  const [{ number }] = events() as [OpeningEvent]
  const [[key, value]] = [...etcd.values] as [[string, string]]
  clock.set(clock.now() - 8_000)
  start()
  opener.start()
  await open('ssh')
  // The list of etcd came only now.
  await change(key, value)
  await pass(1_000)
  expect(events()[0]!.number).toBeGreaterThan(number)
})

test('nobody forges an own event: it counts for nothing after a restart', async () => {
  const key = KEYSPACE.opening('bastion', 'a'.repeat(22))
  etcd.values.set(key, '{"by":"bastion","body":"{}","signature":"AAAA"}')
  await list()
  expect([...told.open()]).toEqual([])
})

test('one source has a bound', async () => {
  for (let at = 0; at <= TOLD_SOURCE_MAX; at++) await open('ssh', { holder: `sequence:k:${at}` })
  expect(etcd.values.size).toBe(TOLD_SOURCE_MAX)
  expect(lines).toEqual(['192.0.2.7: ssh: not told to the others: too many openings at a time'])
  await open('ssh', { source: parseAddress('192.0.2.8')! })
  expect(etcd.values.size).toBe(TOLD_SOURCE_MAX + 1)
  // What is over makes room.
  await pass(60_000)
  etcd.values.clear()
  await open('ssh')
  expect(etcd.values.size).toBe(1)
})
