// Goal: an unexpected fault does not end the daemon, is logged with its origin, and cannot flood the log.
import { expect, test } from 'vitest'
import { FAULTS_BURST, FAULTS_REPORT_MS, Faults } from './faults.ts'

test('are said with their place, and counted', () => {
  const said: string[] = []
  let now = 0
  const faults = new Faults(
    (text) => void said.push(text),
    () => now,
  )
  expect(faults.status).toBeUndefined()
  faults.note(new TypeError('of undefined'))
  expect(said[0]).toMatch(/^internal error, please report it: TypeError: of undefined \(faults\.test\.ts:\d+:\d+\)$/)
  now = 1_500
  expect(faults.status).toEqual({ count: 1, last: expect.stringMatching(/^TypeError: /), agoMs: 1_500 })
  faults.note('a rejection with a word')
  faults.note(undefined)
  expect(faults.status).toMatchObject({ count: 3, last: 'undefined' })
})

test('a storm of them is said now and then', () => {
  const said: string[] = []
  let now = 0
  const faults = new Faults(
    (text) => void said.push(text),
    () => now,
  )
  const boom = new Error('boom')
  for (; now < 10 * FAULTS_REPORT_MS; now += 10) faults.note(boom)
  expect(said.length).toBeLessThanOrEqual(FAULTS_BURST + 10)
  expect(said.at(-1)).toMatch(/\(and \d+ more since the last report\)$/)
  expect(faults.status!.count).toBe(FAULTS_REPORT_MS)
})

test('a log that throws is no fault more', () => {
  const faults = new Faults(() => {
    throw new Error('disk')
  })
  faults.note(new Error('boom'))
  expect(faults.status!.count).toBe(1)
})
