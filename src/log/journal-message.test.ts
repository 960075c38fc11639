// Goal: whatever a door, a user or a message contains, journald reads the intended fields and no others.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyText } from '../../test/any-text.ts'
import { entryOf } from './format.ts'
import { FIELD_MAX_BYTES, journalFields, journalMessage } from './journal-message.ts'
import type { LogEvent } from './event.ts'
import { PRIORITY, plainText } from './line.ts'

/** Reads a datagram as https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ has it. */
function decode(bytes: Buffer): [string, string][] {
  const fields: [string, string][] = []
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at)
    const line = bytes.subarray(at, end).toString()
    const equals = line.indexOf('=')
    if (equals >= 0) {
      fields.push([line.slice(0, equals), line.slice(equals + 1)])
      at = end + 1
      continue
    }
    const length = Number(bytes.readBigUInt64LE(end + 1))
    const from = end + 9
    expect(bytes[from + length]).toBe(0x0a)
    fields.push([line, bytes.subarray(from, from + length).toString()])
    at = from + length + 1
  }
  return fields
}

function fieldsOf(event: LogEvent): Record<string, string> {
  const entry = entryOf(event, 0)
  const fields = journalFields('knockd', entry, PRIORITY[entry.level], plainText(entry, undefined))
  const decoded = decode(journalMessage(fields))
  expect(decoded).toEqual(fields)
  return Object.fromEntries(decoded)
}

const source = { family: 4, a: 0xc0000207 | 0, b: 0, c: 0, d: 0 } as const

test('a line has the fields of syslog(3), and those of its event', () => {
  expect(fieldsOf({ kind: 'open', source, door: 'ssh', user: 'alice', tookMs: 2 })).toEqual({
    MESSAGE: '192.0.2.7: ssh: OPEN SESAME (alice)',
    PRIORITY: '5',
    SYSLOG_FACILITY: '3',
    SYSLOG_IDENTIFIER: 'knockd',
    POSTERN_EVENT: 'open',
    POSTERN_DOOR: 'ssh',
    POSTERN_SOURCE: '192.0.2.7',
    POSTERN_USER: 'alice',
  })
})

test('events that JSON calls notices have their kind, and fields that there are none of are left out', () => {
  const opened: LogEvent = {
    kind: 'opened',
    source: '2001:db8::7',
    door: 'ssh',
    what: 'tcp/22',
    seconds: 9,
    user: 'bob',
  }
  expect(fieldsOf(opened)).toMatchObject({
    POSTERN_EVENT: 'opened',
    POSTERN_SOURCE: '2001:db8::7',
    POSTERN_USER: 'bob',
  })
  const names = Object.keys(fieldsOf({ kind: 'notice', level: 'info', text: 'a text' }))
  expect(names.filter((name) => name.startsWith('POSTERN'))).toEqual(['POSTERN_EVENT'])
})

test('a user that a packet only claims to come from is no POSTERN_USER', () => {
  expect(fieldsOf({ kind: 'open', source, door: 'ssh', claimedUser: 'root' })['POSTERN_USER']).toBeUndefined()
})

test('a name that looks like fields is one value', () => {
  const user = 'eve\nPOSTERN_USER=alice\nMESSAGE=forged'
  const fields = fieldsOf({ kind: 'open', source, door: 'x\nPRIORITY=0', user })
  expect(fields).toMatchObject({ POSTERN_USER: user, POSTERN_DOOR: 'x\nPRIORITY=0', PRIORITY: '5' })
  expect(fields['MESSAGE']).not.toContain('\n')
})

test('any values come back as they were', () => {
  const value = fc.oneof(fc.string({ unit: 'grapheme' }), anyText(), fc.constantFrom('\n', '=', 'A=b\n'))
  const text = fc.array(value, { maxLength: 8 }).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, text, text, (door, user, message) => {
      const fields = [
        ['MESSAGE', message],
        ['POSTERN_DOOR', door],
        ['POSTERN_USER', user],
      ] as const
      expect(decode(journalMessage(fields))).toEqual(fields)
    }),
  )
})

test('a long value is cut after a whole character, also one with its length in front', () => {
  fc.assert(
    fc.property(fc.constantFrom('a', 'ä', '€', '😀', '\n€'), fc.nat(3), (unit, lead) => {
      const text = 'x'.repeat(lead) + unit.repeat(FIELD_MAX_BYTES + 1)
      const [field] = decode(journalMessage([['POSTERN_USER', text]]))
      const cut = field![1]
      expect(cut.endsWith('…')).toBe(true)
      expect(text.startsWith(cut.slice(0, -1))).toBe(true)
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(FIELD_MAX_BYTES)
      expect(Buffer.byteLength(cut)).toBeGreaterThan(FIELD_MAX_BYTES - 8)
    }),
  )
})

function messageOf(text: string): string {
  return journalFields('knockd', entryOf({ kind: 'shutting-down' }, 0), 6, text)[0]![1]
}

test('a message loses the blanks at its ends alone, and a long run of them takes no time', () => {
  expect(messageOf('  a  b ')).toBe('a  b')
  const blanks = ' '.repeat(1_000_000)
  const before = process.cpuUsage()
  expect(messageOf(`${blanks}a${blanks}b${blanks}`)).toBe(`a${blanks}b`)
  expect(process.cpuUsage(before).user).toBeLessThan(5_000_000)
})
