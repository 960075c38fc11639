// Goal: in each moment the table has the tags of the minutes that count, of the users that there are, and no others: as
// minutes pass, as the clock is set, and as users and keys come and go. Making them never takes long at a time.
import { afterEach, expect, test, vi } from 'vitest'
import { keyPairOf, sharedSecret } from '../../spa/noise/curve.ts'
import type { KeyPair } from '../../spa/noise/curve.ts'
import { minuteOf, tagKeyOf, tagOf } from '../../spa/noise/tag.ts'
import { encodeHex } from '../../spa/hex.ts'
import type { Clock } from '../clock.ts'
import { AT_ONCE, SLICE_MS, UserTags } from './user-tags.ts'
import type { NeededTags } from './user-tags.ts'

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
/** In the middle of a minute. */
const START = 28_333_333 * MINUTE_MS + 30_000

/** A clock that the test sets. Timers count the milliseconds that have passed. */
class FakeClock implements Clock {
  time = START
  #passed = 0
  readonly #timers = new Map<() => void, number>()

  now(): number {
    return this.time
  }

  steady(): number {
    return this.#passed
  }

  working(): number {
    return this.#passed
  }

  after(ms: number, call: () => void): () => void {
    this.#timers.set(call, this.#passed + ms)
    return () => void this.#timers.delete(call)
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Fires the timers that are due, and returns their number. */
  fire(): number {
    const due = [...this.#timers].filter(([, at]) => at <= this.#passed).map(([call]) => call)
    for (const call of due) if (this.#timers.delete(call)) call()
    return due.length
  }

  /** Lets time pass, and everything be done that is due. */
  pass(ms: number): void {
    this.time += ms
    this.#passed += ms
    for (let round = 0; this.fire() > 0; round++) if (round > 10_000) throw new Error('it never ends')
  }
}

/** The first and the last byte of a private key have bits that do not count. */
const pairOf = (number: number): KeyPair =>
  keyPairOf(
    new Uint8Array(32)
      .fill(7)
      .fill(number & 255, 8, 9)
      .fill(number >>> 8, 9, 10),
  )
const SERVER = pairOf(60_000)
const ALICE = pairOf(1)
const BOB = pairOf(2)

const neededBy = (pairs: readonly KeyPair[], more: Partial<NeededTags> = {}): Map<string, NeededTags> =>
  new Map(
    pairs.map(({ publicKey }) => [
      encodeHex(publicKey),
      { publicKey, ageMs: 2 * MINUTE_MS, withoutMinute: false, ...more },
    ]),
  )

const keys = new Map<string, Uint8Array>()

/** Returns the tag that a client makes. */
function tagFor(user: KeyPair, unixMs: number, { withMinute = true, server = SERVER } = {}): Uint8Array {
  const name = `${encodeHex(user.publicKey)} ${encodeHex(server.publicKey)}`
  const key = keys.get(name) ?? tagKeyOf(sharedSecret(user, server.publicKey)!, server.publicKey, user.publicKey)
  keys.set(name, key)
  return tagOf(key, withMinute ? minuteOf(unixMs) : undefined)
}

const clock = new FakeClock()
const opened = new Set<string>()
const tags = new UserTags(clock, (key) => opened.has(encodeHex(key)))
/** Returns the public key of the user whose tag a packet of a time has. */
const found = (user: KeyPair, unixMs = clock.time, how = {}): Uint8Array | undefined =>
  tags.find(tagFor(user, unixMs, how), 0)?.publicKey

afterEach(() => {
  tags.close()
  expect(clock.timers).toBe(0)
  clock.time = START
  opened.clear()
  vi.restoreAllMocks()
})

test('clocks may differ by the age either way, in every second of some minutes, and by two minutes more at most', () => {
  tags.replace(SERVER, neededBy([ALICE]))
  for (let second = 0; second < 200; second++) {
    for (const off of [-120_000, -60_000, 0, 60_000, 120_000]) {
      expect(found(ALICE, clock.time + off), `${second} ${off}`).toEqual(ALICE.publicKey)
    }
    expect(found(ALICE, clock.time - 240_000), `${second}`).toBeUndefined()
    expect(found(ALICE, clock.time + 240_000), `${second}`).toBeUndefined()
    clock.pass(1_000)
  }
})

test.each([1_000, 59_000, 90_000, 600_000])('the same with an age of %i ms', (ageMs) => {
  tags.replace(SERVER, neededBy([ALICE], { ageMs }))
  for (let second = 0; second < 130; second += 7) {
    for (const off of [-ageMs, 0, ageMs]) expect(found(ALICE, clock.time + off)).toEqual(ALICE.publicKey)
    expect(found(ALICE, clock.time - ageMs - 2 * MINUTE_MS)).toBeUndefined()
    expect(found(ALICE, clock.time + ageMs + 2 * MINUTE_MS)).toBeUndefined()
    clock.pass(7_000)
  }
})

test('a clock that is set back within its minute keeps out nobody, whatever the age', () => {
  clock.time += 29_000
  tags.replace(SERVER, neededBy([ALICE], { ageMs: 90_000 }))
  clock.time -= 59_000
  expect(found(ALICE, clock.time - 90_000)).toEqual(ALICE.publicKey)
})

test('when a minute begins nobody waits for a timer: its tags are there already', () => {
  tags.replace(SERVER, neededBy([ALICE]))
  clock.time += 30_000
  expect(found(ALICE, clock.time)).toEqual(ALICE.publicKey)
  expect(found(ALICE, clock.time + 120_000)).toEqual(ALICE.publicKey)
})

test.each([DAY_MS, -DAY_MS, 5 * MINUTE_MS, -5 * MINUTE_MS, -START])(
  'a clock that is set by %i ms: the first packet is accepted, and those of before are not',
  (ms) => {
    tags.replace(SERVER, neededBy([ALICE, BOB]))
    clock.time += ms
    expect(found(ALICE)).toEqual(ALICE.publicKey)
    clock.pass(0)
    expect(found(BOB)).toEqual(BOB.publicKey)
    expect(found(ALICE, clock.time + 2 * MINUTE_MS)).toEqual(ALICE.publicKey)
    expect(found(ALICE, clock.time - ms)).toBeUndefined()
  },
)

test('without packets a set clock is noticed within 30 seconds', () => {
  tags.replace(SERVER, neededBy([ALICE]))
  clock.time += DAY_MS
  clock.pass(30_000)
  const now = vi.spyOn(clock, 'now').mockReturnValue(clock.time)
  expect(found(ALICE)).toEqual(ALICE.publicKey)
  // One call, in the test: a look-up that finds a tag does not look at the clock.
  expect(now).not.toHaveBeenCalled()
})

test('who leaves is gone at once; who stays keeps the secret and the allowance, also where the line is another', () => {
  tags.replace(SERVER, neededBy([ALICE, BOB]))
  const before = tags.find(tagFor(BOB, clock.time), 0)!
  const { secret } = before
  tags.replace(SERVER, neededBy([BOB, pairOf(3)], { ageMs: 600_000 }))
  expect(found(ALICE)).toBeUndefined()
  expect(tags.find(tagFor(BOB, clock.time), 0)).toBe(before)
  expect(before.secret.buffer).toBe(secret.buffer)
  expect(found(BOB, clock.time - 540_000)).toEqual(BOB.publicKey)
  tags.replace(SERVER, neededBy([BOB]))
  expect(found(BOB, clock.time - 540_000)).toBeUndefined()
  // A number that is free again belongs to somebody else.
  tags.replace(SERVER, neededBy([pairOf(4), BOB]))
  expect(found(pairOf(4))).toEqual(pairOf(4).publicKey)
  expect(found(pairOf(3))).toBeUndefined()
})

test('another server key: the tags of the one before are gone at once', () => {
  tags.replace(SERVER, neededBy([ALICE]))
  const server = pairOf(60_001)
  tags.replace(server, neededBy([ALICE]))
  expect(found(ALICE)).toBeUndefined()
  expect(found(ALICE, clock.time, { server })).toEqual(ALICE.publicKey)
  tags.replace(undefined, neededBy([ALICE]))
  expect(found(ALICE, clock.time, { server })).toBeUndefined()
})

test('the same key read again computes nothing', () => {
  tags.replace(SERVER, neededBy([ALICE]))
  const { secret } = tags.find(tagFor(ALICE, clock.time), 0)!
  tags.replace(pairOf(60_000), neededBy([ALICE]))
  expect(tags.find(tagFor(ALICE, clock.time), 0)!.secret.buffer).toBe(secret.buffer)
})

test('a tag without a minute counts where it is needed, at any time', () => {
  tags.replace(SERVER, neededBy([ALICE], { withoutMinute: true }))
  expect(found(ALICE, 0, { withMinute: false })).toEqual(ALICE.publicKey)
  clock.pass(DAY_MS)
  expect(found(ALICE, 0, { withMinute: false })).toEqual(ALICE.publicKey)
  expect(found(ALICE)).toEqual(ALICE.publicKey)
  tags.replace(SERVER, neededBy([ALICE]))
  expect(found(ALICE, 0, { withMinute: false })).toBeUndefined()
})

test('a public key that makes one secret with every key has no tags, and is nobody’s trouble', () => {
  const weak = { ...ALICE, publicKey: new Uint8Array(32) }
  tags.replace(SERVER, neededBy([weak, BOB]))
  clock.pass(MINUTE_MS)
  expect(found(BOB)).toEqual(BOB.publicKey)
  tags.replace(SERVER, neededBy([BOB]))
})

const MANY = Array.from({ length: 3 * AT_ONCE }, (_, index) => pairOf(100 + index))

test('many users are made ready in slices, those who have opened before first', () => {
  let now = 0
  // Each look at the clock takes half a slice.
  vi.spyOn(performance, 'now').mockImplementation(() => (now += SLICE_MS / 2))
  const late = MANY.slice(-AT_ONCE)
  for (const { publicKey } of late) opened.add(encodeHex(publicKey))
  tags.replace(SERVER, neededBy(MANY))
  for (const user of late) expect(found(user)).toEqual(user.publicKey)
  const ready = (): number => MANY.filter((user) => found(user) !== undefined).length
  expect(ready()).toBeLessThan(MANY.length)
  let slices = 0
  for (; ready() < MANY.length && slices < 1_000; slices++) clock.fire()
  expect(slices).toBeGreaterThan(AT_ONCE / 4)
  expect(found(MANY[0]!)).toEqual(MANY[0]!.publicKey)
})

test('users who leave while slices are made are not in the table, and those who come are', () => {
  let now = 0
  vi.spyOn(performance, 'now').mockImplementation(() => (now += SLICE_MS))
  tags.replace(SERVER, neededBy(MANY))
  clock.fire()
  const rest = [...MANY.slice(AT_ONCE), ALICE]
  tags.replace(SERVER, neededBy(rest))
  clock.time += MINUTE_MS
  clock.pass(0)
  expect(MANY.filter((user) => found(user) !== undefined)).toEqual(MANY.slice(AT_ONCE))
  expect(found(ALICE)).toEqual(ALICE.publicKey)
})
