// Goal: time in which this process is busy does not count, and a timer that was cancelled never calls.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { STEP_MS, afterAttended } from './attended.ts'

const busy = (ms: number): void => {
  const end = performance.now() + ms
  while (performance.now() < end);
}

test('a time that the process was busy counts as one step', async () => {
  let called = false
  const began = performance.now()
  await new Promise<void>((resolve) => {
    afterAttended(4 * STEP_MS, () => {
      called = true
      resolve()
    })
    busy(10 * STEP_MS)
    setTimeout(() => expect(called).toBe(false), STEP_MS)
  })
  expect(performance.now() - began).toBeGreaterThanOrEqual(12 * STEP_MS)
})

test('without it, it is the time that was asked for, and a cancelled one never comes', async () => {
  const began = performance.now()
  let cancelled = false
  const timer = afterAttended(STEP_MS + 20, () => (cancelled = true))
  await new Promise<void>((resolve) => void afterAttended(STEP_MS / 2, resolve))
  expect(performance.now() - began).toBeGreaterThanOrEqual(STEP_MS / 2 - 2)
  timer.cancel()
  await pause(2 * STEP_MS)
  expect(cancelled).toBe(false)
})
