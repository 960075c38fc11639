// Goal: a bucket limits how often costly work is done, at once or evenly over time.
import { expect, test } from 'vitest'
import { BURST_MS, TokenBucket } from './token-bucket.ts'

const PER_S = 100
const BURST = (PER_S * BURST_MS) / 1_000

const taken = (bucket: TokenBucket, times: number, now: number): number =>
  Array.from({ length: times }, () => bucket.take(now)).filter(Boolean).length

test('a burst is available at once, and nothing beyond it', () => {
  const bucket = new TokenBucket(PER_S)
  expect(taken(bucket, 5 * PER_S, 0)).toBe(BURST)
  expect(taken(bucket, 5 * PER_S, 0)).toBe(0)
})

test('in a flood the tokens are given out evenly', () => {
  const bucket = new TokenBucket(PER_S)
  taken(bucket, 5 * PER_S, 0)
  const perTenth = Array.from({ length: 50 }, (_, tenth) => taken(bucket, PER_S, (tenth + 1) * 100))
  expect(Math.max(...perTenth)).toBeLessThanOrEqual(PER_S / 10 + 1)
  expect(perTenth.reduce((sum, each) => sum + each)).toBeGreaterThanOrEqual(5 * PER_S - 1)
})

test('a long quiet time saves up a burst at most', () => {
  const bucket = new TokenBucket(PER_S)
  taken(bucket, PER_S, 0)
  expect(taken(bucket, 5 * PER_S, 3_600_000)).toBe(BURST)
})

test('a rate below one a second gives one token at a time', () => {
  const bucket = new TokenBucket(0.1)
  expect(taken(bucket, 5, 0)).toBe(1)
  expect(taken(bucket, 5, 9_000)).toBe(0)
  expect(taken(bucket, 5, 10_000)).toBe(1)
})

test('several tokens are taken whole or not at all', () => {
  const bucket = new TokenBucket(10, 10)
  expect(bucket.take(0, 11)).toBe(false)
  expect(bucket.take(0, 10)).toBe(true)
  expect(bucket.take(500, 6)).toBe(false)
  expect(bucket.take(500, 5)).toBe(true)
})

test('a debt is paid back before there are tokens again', () => {
  const bucket = new TokenBucket(100, 50)
  expect(bucket.has(0)).toBe(true)
  bucket.spend(0, 80)
  expect(bucket.has(0)).toBe(false)
  expect(bucket.has(299)).toBe(false)
  expect(bucket.has(310)).toBe(true)
})

test('a debt has a bound: one piece of work never shuts the bucket for longer than a burst takes', () => {
  const bucket = new TokenBucket(100, 50)
  bucket.spend(0, 1e9)
  expect(bucket.has(499)).toBe(false)
  expect(bucket.has(510)).toBe(true)
})

test('a clock that goes back adds no tokens', () => {
  const bucket = new TokenBucket(PER_S)
  taken(bucket, PER_S, 1_000)
  expect(taken(bucket, PER_S, 0)).toBe(0)
  expect(taken(bucket, PER_S, 10)).toBe(1)
})
