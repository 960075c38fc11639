// Goal: the service manager gets signs of life in time, from the right process. It gets them only while the event loop
// runs and the captures are watched.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Watchdog, signInterval } from './watchdog.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test.each([
  ['three in the limit', { WATCHDOG_USEC: '30000000' }, 10_000],
  ['for this process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '7' }, 10_000],
  ['not for another process', { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '8' }, undefined],
  ['not without a limit', {}, undefined],
  ['not without a time', { WATCHDOG_USEC: '0' }, undefined],
  ['not for a word', { WATCHDOG_USEC: '30s' }, undefined],
  ['never faster than a timer', { WATCHDOG_USEC: '1' }, 1],
  ['never slower than a timer can be', { WATCHDOG_USEC: '18446744073709551614' }, 2 ** 31 - 1],
])('signs of life: %s', (_what, environment, everyMs) => {
  expect(signInterval(environment, 7)).toBe(everyMs)
})

function watchdog() {
  const state = { isWatching: true, failures: 0, turns: 0 }
  const told: string[] = []
  const dog = new Watchdog(
    { isWatching: () => state.isWatching, failed: () => void state.failures++, turned: () => void state.turns++ },
    (...assignments) => void told.push(...assignments),
  )
  return { dog, state, told }
}

test('a sign at each turn of the event loop, and none after the end', () => {
  const { dog, state, told } = watchdog()
  dog.start(1_000)
  vi.advanceTimersByTime(3_500)
  expect([told, state.turns]).toEqual([['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'], 3])
  dog.stop()
  vi.advanceTimersByTime(10_000)
  expect(told.length).toBe(3)
})

test('no sign while a capture is not watched, which is said once each time', () => {
  const { dog, state, told } = watchdog()
  dog.start(1_000)
  state.isWatching = false
  vi.advanceTimersByTime(5_500)
  expect([told, state.failures]).toEqual([[], 1])
  state.isWatching = true
  vi.advanceTimersByTime(1_000)
  state.isWatching = false
  vi.advanceTimersByTime(2_000)
  expect([told, state.failures]).toEqual([['WATCHDOG=1'], 2])
  dog.stop()
})
