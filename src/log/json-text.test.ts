// Goal: an event in JSON is shown as the log shows it, and nothing in its fields can be more than a line of text.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { WHOLE } from '../../test/schema/events.ts'
import type { LogEvent } from './event.ts'
import { entryOf } from './format.ts'
import { textOfJson } from './json-text.ts'
import { jsonLine, plainText } from './line.ts'

const fieldsOf = (event: LogEvent): Record<string, unknown> =>
  JSON.parse(jsonLine(entryOf(event, new Date(2026, 10, 22, 3, 4, 5).getTime()), undefined)) as Record<string, unknown>

test.each((Object.values(WHOLE) as LogEvent[]).map((event) => [event.kind, event] as const))('%s', (kind, event) => {
  const line = textOfJson(fieldsOf(event))
  const text = plainText(entryOf(event, 0), undefined)
  // The hint of a notice is on the same line in JSON; what would be is a notice there, without its source.
  const expected = kind === 'would-be' ? 'would open' : text.replaceAll(String.raw`\n`, '; ')
  expect(line).toBe(`2026-11-22 03:04:05 ${expected}\n`)
})

test('events that are missing, and those of a later version', () => {
  const head = { time: '2026-11-22T03:04:05.000+01:00', level: 'warning' }
  expect(textOfJson({ ...head, event: 'missed', events: 3 })).toMatch(/ 3 events are missing here/)
  expect(textOfJson({ ...head, event: 'moved', door: 'ssh' })).toContain('"event":"moved","door":"ssh"')
})

test('whatever the fields are, it is one line without control characters', () => {
  const fields = fc.record(
    {
      time: fc.anything(),
      event: fc.oneof(fc.constantFrom(...Object.keys(WHOLE)), fc.anything()),
      source: fc.anything(),
      message: fc.oneof(anyText(), fc.anything()),
      door: anyText(),
      interfaces: fc.anything(),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fields, (each) => {
      // As it comes from JSON.
      const line = textOfJson(JSON.parse(JSON.stringify(each)) as Record<string, unknown>)
      expect(line).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]*\n$/u)
    }),
  )
})
