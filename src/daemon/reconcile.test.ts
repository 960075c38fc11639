// Goal: one place decides who may hold what. An opening that nobody may hold is closed once and logged once, and no
// other opening is closed.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import { BY_HAND } from '../door/held.ts'
import type { Held, May } from '../door/held.ts'
import type { LogEvent } from '../log/event.ts'
import { textOf } from '../log/format.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { HolderMarks } from '../secret/holder-marks.ts'
import { Reconciler, mayHold } from './reconcile.ts'
import type { ReconcilerDeps } from './reconcile.ts'
import type { Verdict } from '../secret/authenticator.ts'

const marks = new HolderMarks(new Uint8Array(32).fill(1))
const others = new HolderMarks(new Uint8Array(32).fill(2))
const MARK = marks.mark('totp', 'x')

const doors: readonly Door[] = readConfig(
  '[ssh]\nSequence = 7431,8020,6001\nOpen_Ports = tcp/22\n[near]\nSequence = 7431,8020,6002\nOpen_Ports = tcp/22\nAllow_From = 192.0.2.0/24\n',
  'k',
).config!.doors

const held = (of: Partial<Held> = {}): Held => ({
  door: 'ssh',
  source: '192.0.2.7',
  services: undefined,
  forward: undefined,
  holder: MARK,
  user: 'alice',
  ...of,
})

const judged = (by: Verdict, of: Partial<Held> = {}): Verdict =>
  mayHold(held(of), {
    marks,
    door: (name) => doors.find((door) => door.name === name),
    judge: () => by,
  })

test('what the door says of a holder counts', () => {
  for (const verdict of ['may', 'may not', 'unknown'] as const) expect(judged(verdict)).toBe(verdict)
})

test.each([
  ['opened by hand, whatever else', { holder: BY_HAND, door: 'gone' }, 'may'],
  ['a mark under a key that was lost', { holder: others.mark('totp', 'x') }, 'unknown'],
  ['a door that is gone: its own end closes it', { door: 'gone' }, 'unknown'],
  ['an address that the door does not admit any more', { door: 'near', source: '198.51.100.7' }, 'may not'],
  ['one that it does', { door: 'near' }, 'may'],
] as const)('%s', (_, of, verdict) => {
  expect(judged('may', of)).toBe(verdict)
})

const TOLD = { holder: `${MARK}@bastion/x`, door: 'shared' }
test.each([
  ['judged by its mark', TOLD, 'may', 'may', 'may'],
  ['its user was revoked here', TOLD, 'may not', 'may', 'may not'],
  ['its host left the fleet', TOLD, 'may', 'may not', 'may not'],
  ['nobody knows the hosts', TOLD, 'may', 'unknown', 'unknown'],
  ['this host is in no fleet', TOLD, 'may', undefined, 'may not'],
  ['the door takes none any more', { ...TOLD, door: 'ssh' }, 'may', 'may', 'may not'],
  ['by hand, there', { ...TOLD, holder: 'hand@bastion/x' }, 'may not', 'may', 'may'],
  ['by hand, by a host that left', { ...TOLD, holder: 'hand@bastion/x' }, 'may', 'may not', 'may not'],
  [
    'by hand, to an address that the door does not admit',
    { ...TOLD, holder: 'hand@bastion/x', source: '198.51.100.7' },
    'may',
    'may',
    'may not',
  ],
  ['under a key that was lost', { ...TOLD, holder: `${others.mark('totp', 'x')}@bastion/x` }, 'may', 'may', 'unknown'],
] as const)('told by another host: %s', (_, of, by, host, verdict) => {
  const shared: Door = { ...doors[1]!, name: 'shared', scope: 'fleet' }
  const seen: (string | undefined)[] = []
  const found = mayHold(held(of), {
    marks,
    door: (name) => [...doors, shared].find((door) => door.name === name),
    judge: ({ holder }) => {
      seen.push(holder)
      return by
    },
    ...(host === undefined ? {} : { ofFleet: (name) => (name === 'bastion' ? host : 'may not') }),
  })
  expect(found).toBe(verdict)
  expect(seen.every((holder) => holder === MARK)).toBe(true)
})

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Openings that are there until they are released. */
class Around implements ReconcilerDeps {
  readonly marks = marks
  readonly said: string[] = []
  open: Held[] = []
  verdict: Verdict = 'may'
  expiry = Infinity
  readonly opener = {
    release: async (may: May): Promise<void> => {
      this.open = this.open.filter(may)
    },
  }
  readonly door = (name: string): Door | undefined => doors.find((door) => door.name === name)
  readonly judge = (): Verdict => this.verdict
  readonly log = { event: (event: LogEvent): void => void this.said.push(textOf(event)) }
  readonly nextExpiry = (): number => this.expiry
}

test('each is closed with one line, and what cannot be judged stays', () => {
  const around = new Around()
  const reconciler = new Reconciler(around)
  around.open = [held(), held(), held({ user: undefined, source: '192.0.2.8' }), held({ holder: BY_HAND })]
  around.verdict = 'unknown'
  reconciler.now()
  expect(around.open).toHaveLength(4)
  around.verdict = 'may not'
  reconciler.now()
  expect(around.open).toEqual([held({ holder: BY_HAND })])
  expect(around.said).toEqual(['192.0.2.7: ssh: access of alice revoked', '192.0.2.8: ssh: access revoked'])
  reconciler.stop()
})

test('files that change together are one change, and a key that expires is one too', async () => {
  const around = new Around()
  const reconciler = new Reconciler(around)
  around.open = [held()]
  around.expiry = Date.now() + 5_000
  reconciler.now()
  reconciler.soon()
  reconciler.soon()
  await vi.advanceTimersByTimeAsync(0)
  around.verdict = 'may not'
  await vi.advanceTimersByTimeAsync(4_999)
  expect(around.open).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(1)
  expect(around.open).toHaveLength(0)
  around.open = [held()]
  reconciler.stop()
  reconciler.soon()
  await vi.advanceTimersByTimeAsync(10_000_000)
  expect(around.open).toHaveLength(1)
})

test('nothing is looked at before the start has looked: files that are read then say nothing twice', async () => {
  const around = new Around()
  const reconciler = new Reconciler(around)
  around.open = [held()]
  around.verdict = 'may not'
  reconciler.soon()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(around.open).toHaveLength(1)
  reconciler.now()
  expect(around.open).toHaveLength(0)
  reconciler.stop()
})

test('what was revoked between the knock and the opening does not open; what was during it is closed after it', async () => {
  const around = new Around()
  const reconciler = new Reconciler(around)
  const source = parseAddress('192.0.2.7')!
  const [door, common] = [doors[0]!, { ms: 1_000, user: 'alice', holder: MARK, protocol: TCP, port: 1 } as const]
  const wanted = { door, source, ...common }
  expect(reconciler.isStillMay(wanted)).toBe(true)
  expect(reconciler.isStillMay({ ...wanted, door: { ...door, name: 'gone' } })).toBe(false)
  // Of the config before: the door may have less now.
  expect(reconciler.isStillMay({ ...wanted, door: { ...door } })).toBe(false)
  expect(around.said).toEqual(
    ['gone', 'ssh'].map((name) => `192.0.2.7: ${name}: stays shut: the config has changed meanwhile`),
  )
  around.said.length = 0
  around.verdict = 'may not'
  expect(reconciler.isStillMay(wanted)).toBe(false)
  expect(around.said).toEqual(['192.0.2.7: ssh: stays shut: access was revoked meanwhile'])
  let done: (() => void) | undefined
  const opening = new Promise<void>((resolve) => (done = resolve))
  const whole = reconciler.during(opening.then(() => void around.open.push(held())))
  reconciler.now()
  done?.()
  await whole
  expect(around.open).toEqual([])
  reconciler.stop()
})
