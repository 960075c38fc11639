// Goal: lines are the same as knockd's to the letter. No text from the network can end a line, or make it longer than
// its bound.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LOG_LINE_MAX_CHARS, debugLine, jsonLine, knockdLine, plainText } from './line.ts'
import type { Entry } from './line.ts'
import { knockdTime, zonedTime } from './time.ts'

const TIME = new Date(2009, 10, 9, 14, 1, 5, 67).getTime()
const entry = (more: Partial<Entry>): Entry => ({
  time: TIME,
  level: 'notice',
  event: 'stage',
  text: 'openSSH: Stage 1',
  facts: {},
  ...more,
})

test('times are in the local time zone', () => {
  expect(knockdTime(TIME)).toBe('2009-11-09 14:01')
  const zoned = zonedTime(TIME, 'milliseconds')
  expect(zoned).toMatch(/^2009-11-09T14:01:05\.067[+-]\d\d:\d\d$/)
  expect(Date.parse(zoned)).toBe(TIME)
  expect(Date.parse(zonedTime(TIME, 'seconds'))).toBe(TIME - 67)
})

test('lines can have a source and a host, or neither', () => {
  expect(knockdLine(entry({ source: '192.0.2.7' }), undefined)).toBe('[2009-11-09 14:01] 192.0.2.7: openSSH: Stage 1\n')
  expect(plainText(entry({ source: '192.0.2.7' }), 'a.example')).toBe('192.0.2.7 (a.example): openSSH: Stage 1')
  expect(plainText(entry({}), 'a.example')).toBe('openSSH: Stage 1')
  expect(debugLine(entry({}), undefined)).toBe(`${zonedTime(TIME, 'seconds')} openSSH: Stage 1\n`)
})

test('a fact cannot replace the time, level or event of a line', () => {
  const line = jsonLine(entry({ facts: { time: 'never', event: 'open', level: 'error', stage: 1 } }), undefined)
  expect(JSON.parse(line)).toEqual({ time: zonedTime(TIME, 'milliseconds'), level: 'notice', event: 'stage', stage: 1 })
  expect(line.startsWith('{"time":')).toBe(true)
})

test('any text makes one line of bounded length, without control characters', () => {
  const nasty = fc.string({
    unit: fc.constantFrom('a', '\n', '\r', '\t', '\0', '\u001B', '\u0085', '\u2028', '\u202E'),
  })
  const forms = [knockdLine, debugLine, jsonLine]
  fc.assert(
    fc.property(fc.oneof(nasty, fc.string()), (text) => {
      for (const form of forms) {
        const line = form(entry({ text, facts: { output: text } }), undefined)
        expect(line.endsWith('\n')).toBe(true)
        expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u)
      }
      expect(JSON.parse(jsonLine(entry({ facts: { output: text } }), undefined))).toMatchObject({ output: text })
    }),
  )
  const long = '\n'.repeat(LOG_LINE_MAX_CHARS)
  expect(plainText(entry({ text: long }), undefined)).toHaveLength(LOG_LINE_MAX_CHARS)
  const { output } = JSON.parse(jsonLine(entry({ facts: { output: `${long}x` } }), undefined)) as { output: string }
  expect(output).toHaveLength(LOG_LINE_MAX_CHARS)
})
