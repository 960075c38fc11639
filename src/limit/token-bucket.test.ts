// Goal: what is costly is done as often as is allowed and no more, all at once or evenly.
import { expect, test } from 'vitest'
import { BURST_MS, TokenBucket } from './token-bucket.ts'

const PER_S = 100
const BURST = (PER_S * BURST_MS) / 1_000

const taken = (bucket: TokenBucket, times: number, now: number): number =>
  Array.from({ length: times }, () => bucket.take(now)).filter(Boolean).length

test('some are there at once, and no more', () => {
  const bucket = new TokenBucket(PER_S)
  expect(taken(bucket, 5 * PER_S, 0)).toBe(BURST)
  expect(taken(bucket, 5 * PER_S, 0)).toBe(0)
})

test('in a flood it is given out evenly', () => {
  const bucket = new TokenBucket(PER_S)
  taken(bucket, 5 * PER_S, 0)
  const perTenth = Array.from({ length: 50 }, (_, tenth) => taken(bucket, PER_S, (tenth + 1) * 100))
  expect(Math.max(...perTenth)).toBeLessThanOrEqual(PER_S / 10 + 1)
  expect(perTenth.reduce((sum, each) => sum + each)).toBeGreaterThanOrEqual(5 * PER_S - 1)
})

test('a long quiet time saves up no more than that', () => {
  const bucket = new TokenBucket(PER_S)
  taken(bucket, PER_S, 0)
  expect(taken(bucket, 5 * PER_S, 3_600_000)).toBe(BURST)
})

test('a rate below one a second gives one at a time', () => {
  const bucket = new TokenBucket(0.1)
  expect(taken(bucket, 5, 0)).toBe(1)
  expect(taken(bucket, 5, 9_000)).toBe(0)
  expect(taken(bucket, 5, 10_000)).toBe(1)
})

test('several are taken whole or not at all', () => {
  const bucket = new TokenBucket(10, 10)
  expect(bucket.take(0, 11)).toBe(false)
  expect(bucket.take(0, 10)).toBe(true)
  expect(bucket.take(500, 6)).toBe(false)
  expect(bucket.take(500, 5)).toBe(true)
})

test('what is paid afterwards is paid back before anything is left again', () => {
  const bucket = new TokenBucket(100, 50)
  expect(bucket.has(0)).toBe(true)
  bucket.spend(0, 80)
  expect(bucket.has(0)).toBe(false)
  expect(bucket.has(299)).toBe(false)
  expect(bucket.has(310)).toBe(true)
})

test('debt is bounded: one piece of work never shuts it for longer than a burst takes', () => {
  const bucket = new TokenBucket(100, 50)
  bucket.spend(0, 1e9)
  expect(bucket.has(499)).toBe(false)
  expect(bucket.has(510)).toBe(true)
})

test('a clock that goes back gives nothing', () => {
  const bucket = new TokenBucket(PER_S)
  taken(bucket, PER_S, 1_000)
  expect(taken(bucket, PER_S, 0)).toBe(0)
  expect(taken(bucket, PER_S, 10)).toBe(1)
})
