// Goal: the service manager hears of a reload as systemd 253 and later expect it. It hears of a changed state
// immediately, but not often.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { STATUS_PAUSE_MS, StatusLine, isSupervised, notifyReloading } from './notify.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function line(state: { text: string }) {
  const told: { readonly text: string; readonly at: number }[] = []
  const status = new StatusLine(
    () => state.text,
    (...assignments) => void told.push({ text: assignments.join('\n'), at: performance.now() }),
  )
  return { status, told }
}

test('without a socket to notify there is no service manager', () => {
  expect([{}, { NOTIFY_SOCKET: '' }, { NOTIFY_SOCKET: '@x' }].map(isSupervised)).toEqual([false, false, true])
})

test('a reload is told with the time on the steady clock, in microseconds', () => {
  vi.useRealTimers()
  const before = process.hrtime.bigint()
  const told: string[] = []
  notifyReloading((...assignments) => void told.push(...assignments))
  expect(told[0]).toBe('RELOADING=1')
  const [, time = ''] = /^MONOTONIC_USEC=([0-9]+)$/.exec(told[1] ?? '') ?? []
  expect(BigInt(time)).toBeGreaterThanOrEqual(before / 1_000n)
  expect(BigInt(time)).toBeLessThanOrEqual(process.hrtime.bigint() / 1_000n)
})

test('many changes at a time are one line, with the last state', () => {
  const state = { text: '0 openings' }
  const { status, told } = line(state)
  for (let each = 1; each <= 50; each++) {
    state.text = `${each} openings`
    status.changed()
  }
  vi.advanceTimersByTime(STATUS_PAUSE_MS)
  expect(told.map(({ text }) => text)).toEqual(['STATUS=50 openings'])
})

test('a state that changes all the time is told once a second, and the last state in any case', () => {
  const state = { text: '' }
  const { status, told } = line(state)
  for (let ms = 0; ms < 10_000; ms += 10) {
    state.text = `at ${ms}`
    status.changed()
    vi.advanceTimersByTime(10)
  }
  vi.advanceTimersByTime(STATUS_PAUSE_MS)
  expect(told.at(-1)?.text).toBe('STATUS=at 9990')
  const pauses = told.slice(1).map(({ at }, index) => at - told[index]!.at)
  expect(Math.min(...pauses)).toBeGreaterThanOrEqual(STATUS_PAUSE_MS)
  expect(told.length).toBeGreaterThan(9)
})

test('a state that is the same is not told again, and nothing is told after the end', () => {
  const state = { text: 'same' }
  const { status, told } = line(state)
  for (let each = 0; each < 3; each++) {
    status.changed()
    vi.advanceTimersByTime(2 * STATUS_PAUSE_MS)
  }
  expect(told.length).toBe(1)
  state.text = 'other'
  status.changed()
  status.stop()
  status.changed()
  vi.advanceTimersByTime(2 * STATUS_PAUSE_MS)
  expect(told.length).toBe(1)
})
