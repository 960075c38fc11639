// Goal: a capture that was deaf is in the status for a day. The log says it once a minute at most, however often it
// happens.
import { expect, test } from 'vitest'
import { DEAF_REPORT_MS, DEAF_TOLD_MS, Deafness } from './deafness.ts'

test('is told of for a day', () => {
  const deafness = new Deafness()
  expect(deafness.at(0)).toBeUndefined()
  deafness.note('because', 1_000)
  expect(deafness.at(6_000)).toEqual({ reason: 'because', agoMs: 5_000, times: 1 })
  expect(deafness.at(1_000 + DEAF_TOLD_MS)).toBeDefined()
  expect(deafness.at(1_001 + DEAF_TOLD_MS)).toBeUndefined()
})

test('is counted each time, and said once a minute', () => {
  const deafness = new Deafness()
  const said = Array.from({ length: 25 }, (_, index) => deafness.note('because', index * 5_000))
  expect(said.filter(Boolean)).toHaveLength(Math.ceil((25 * 5_000) / DEAF_REPORT_MS))
  expect(deafness.at(120_000)).toMatchObject({ times: 25, agoMs: 0 })
  deafness.note('another', 2 * DEAF_TOLD_MS)
  expect(deafness.at(2 * DEAF_TOLD_MS)).toEqual({ reason: 'another', agoMs: 0, times: 1 })
})
