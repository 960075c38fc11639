import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { expect, test } from 'vitest'
import { CLOCK_HOSTS_MAX, FleetClock } from './clock.ts'
import { signText } from './signed.ts'

const PLACE = '/postern/home/clock'
const KEYS = new Map(['web1', 'web2', 'web3', 'me'].map((name) => [name, generateKeyPairSync('ed25519')]))
const SKEW_MS = 10_000

/** A host called `me`, whose clock runs `aheadMs` before the true time. */
function host(aheadMs: number, keyOfHost = (name: string): KeyObject | undefined => KEYS.get(name)?.publicKey) {
  let steady = 5_000
  let own = aheadMs
  const trueTime = (): number => 1_000_000_000 + steady
  const clock = new FleetClock({
    place: PLACE,
    host: 'me',
    keyOfHost,
    skewMs: SKEW_MS,
    keyMark: 'ours',
    now: () => trueTime() + own,
    steady: () => steady,
  })
  const say = (name: string, body: unknown, key = KEYS.get(name)!.privateKey): string =>
    signText(PLACE, body, { name, key })
  const event = (value: string) => clock.changed([{ type: 'put', kv: { key: PLACE, value, modRevision: '1' } }])
  return {
    clock,
    event,
    say,
    pass: (ms: number) => (steady += ms),
    set: (ms: number) => (own = ms),
    /** A host with a clock that is `otherMs` ahead of the true time signs, and this one hears it `lateMs` later. */
    hear: (name: string, otherMs = 0, lateMs = 0, keyMark?: string) => {
      const value = say(name, { at: trueTime() + otherMs, ...(keyMark === undefined ? {} : { keyMark }) })
      steady += lateMs
      event(value)
      steady += 1_000
    },
  }
}

test('a clock without another one to compare is not off', () => {
  const { clock } = host(1_000_000)
  expect([clock.aheadMs, clock.isOff]).toEqual([undefined, undefined])
})

test('the one clock that is off is found by its host, and the others are not affected', () => {
  const wrong = host(40_000)
  for (const name of ['web1', 'web2']) wrong.hear(name)
  expect(wrong.clock.aheadMs).toBe(40_000)
  expect(wrong.clock.isOff).toBe("this clock is 40 s ahead of the other hosts': timedatectl set-ntp true")
  const right = host(0)
  right.hear('web1')
  right.hear('web2', 40_000)
  expect([right.clock.aheadMs, right.clock.isOff]).toEqual([0, undefined])
})

test('of two hosts, neither can know whose clock is right: both are off', () => {
  const { clock, hear } = host(-40_000)
  hear('web1')
  expect(clock.isOff).toContain("this clock is 40 s behind the other hosts'")
})

test('a difference of Clock_Skew is allowed, a little more is not', () => {
  const { clock, hear, set } = host(SKEW_MS)
  hear('web1')
  expect(clock.isOff).toBeUndefined()
  set(SKEW_MS + 1)
  expect(clock.isOff).toBeDefined()
})

test('a clock that is set is correct immediately', () => {
  const { clock, hear, set } = host(40_000)
  hear('web1')
  hear('web2')
  set(0)
  expect(clock.isOff).toBeUndefined()
})

test('a delayed signal changes nothing while another one came in time', () => {
  const { clock, hear } = host(0)
  hear('web1')
  hear('web1', 0, 30_000)
  expect(clock.aheadMs).toBe(0)
})

test('a repeated or forged signal does not count, nor one of an unknown host or of this host', () => {
  const { clock, event, say, hear, pass } = host(0)
  const old = say('web1', { at: 1_000_000_000 })
  hear('web1')
  pass(60_000)
  event(old)
  event(say('web2', { at: 1 }, KEYS.get('web3')!.privateKey))
  event(say('me', { at: 1 }))
  for (const body of [null, {}, { at: '5' }, { at: 1.5 }, { at: Number.MAX_VALUE }]) event(say('web2', body))
  for (const text of ['', '{', 'null']) event(text)
  expect(clock.aheadMs).toBe(0)
  const removed = host(0, () => undefined)
  removed.hear('web1', 90_000)
  expect(removed.clock.aheadMs).toBeUndefined()
})

test('signals are forgotten after ten minutes', () => {
  const { clock, hear, pass } = host(40_000)
  hear('web1')
  pass(600_000)
  expect(clock.aheadMs).toBeUndefined()
})

test('the number of remembered hosts has a bound', () => {
  const { publicKey, privateKey } = KEYS.get('web1')!
  const { clock, event, say } = host(0, () => publicKey)
  for (let index = 0; index < 3 * CLOCK_HOSTS_MAX; index++)
    event(say(`h${index}`, { at: 1_000_000_000 + index }, privateKey))
  expect(clock.aheadMs).toBeGreaterThan(0)
})

test('a flood of forged signals costs few checks of signatures, and a true signal is heard after it', () => {
  let checks = 0
  const { clock, event, say, pass, hear } = host(0, (name) => {
    checks++
    return KEYS.get(name)?.publicKey
  })
  const forged = say('web1', { at: 1 }, KEYS.get('web2')!.privateKey)
  for (let each = 0; each < 5_000; each++) event(forged)
  event(say('web1', { at: 1, more: 'x'.repeat(500_000) }))
  expect(checks).toBeLessThanOrEqual(50)
  pass(1_000)
  hear('web1', 3_000)
  expect(clock.aheadMs).toBe(-3_000)
})

test.each<[marks: readonly (string | undefined)[], isOff: boolean, why: string]>([
  [['theirs'], true, 'of two hosts, neither knows who is right'],
  [['theirs', 'theirs'], true, 'this one has another key'],
  [['ours', 'theirs'], false, 'another one has another key'],
  [['ours', 'theirs', 'theirs'], true, 'as many on either side'],
  [['ours', 'ours'], false, 'all have the same'],
  [[undefined, undefined], false, 'earlier versions say nothing of it'],
])('hosts with the keys %j: off is %s, as %s', (marks, isOff) => {
  const { clock, hear } = host(0)
  for (const [index, mark] of marks.entries()) hear(`web${index + 1}`, 0, 0, mark)
  expect(clock.isOff).toEqual(isOff ? expect.stringContaining('the key of the fleet is not') : undefined)
})

test('a host whose key was repaired is right again once the others are heard again', () => {
  const { clock, hear } = host(0)
  hear('web1', 0, 0, 'theirs')
  expect(clock.isOff).toBeDefined()
  hear('web1', 0, 0, 'ours')
  expect(clock.isOff).toBeUndefined()
})
