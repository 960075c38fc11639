// Goal: time in which this process is busy counts only in part, and a cancelled timer never calls.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { PARTS, afterAttended } from './attended.ts'

const PART_MS = 50

const busy = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a time in which the process was busy counts as a part', async () => {
  const began = performance.now()
  await new Promise<void>((resolve) => {
    afterAttended(PARTS * PART_MS, resolve)
    busy(10 * PART_MS)
  })
  expect(performance.now() - began).toBeGreaterThanOrEqual((10 + PARTS - 1) * PART_MS - PARTS)
})

test('otherwise it is the time that was asked for, and a cancelled timer never calls', async () => {
  const began = performance.now()
  let called = false
  const timer = afterAttended(PARTS * PART_MS, () => (called = true))
  await new Promise<void>((resolve) => void afterAttended(PART_MS, resolve))
  expect(performance.now() - began).toBeGreaterThanOrEqual(PART_MS - PARTS)
  timer.cancel()
  await pause(2 * PARTS * PART_MS)
  expect(called).toBe(false)
})
