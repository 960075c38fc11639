// Goal: each line of On_Event counts, and a command may have colons. A mistake is named with its place and what would
// be right.
import { expect, test } from 'vitest'
import { checkConfig } from '../lint/lint.ts'
import { ON_EVENT_MAX, readOnEvent } from './on-event.ts'

const DOOR = '[ssh]\nSequence = 7301,822,9403\nOpen_Ports = tcp/22\n'
const told = (lines: string): readonly string[] =>
  checkConfig(`[options]\n${lines}${DOOR}`, 'a').faults.map(
    ({ severity, line, column, message, hint }) => `${line}:${column} ${severity} ${message} | ${hint ?? ''}`,
  )

test.each([
  ['open:mail root', ['open'], 'mail root'],
  ['OPENED , scan,opened :  sh -c "a: b"', ['opened', 'scan'], 'sh -c "a: b"'],
])('%s', (text, events, command) => {
  expect(readOnEvent(text)).toEqual({ value: { events, command } })
})

test.each([
  ['opened', '2:12 error there is no command | On_Event = EVENT[,EVENT]...: COMMAND'],
  ['opened:', '2:12 error there is no command | On_Event = EVENT[,EVENT]...: COMMAND'],
  ['opend: a', '2:12 error `opend` is not an event | did you mean `opened`?'],
  ['open, scans: a', '2:18 error `scans` is not an event | did you mean `scan`?'],
  ['open,: a', '2:17 error an empty name is not an event | a comma too many?'],
  ['open scan: a', expect.stringContaining('2:12 error `open scan` is not an event')],
  ['explanation: a', expect.stringContaining('2:12 error `explanation` is not an event | the events: open, opened, ')],
])('%s', (value, fault) => {
  expect(told(`On_Event = ${value}\n`)).toEqual([fault])
})

test('the lines have a bound', () => {
  expect(told('On_Event = open: a\n'.repeat(ON_EVENT_MAX))).toEqual([])
  expect(told('On_Event = open: a\n'.repeat(ON_EVENT_MAX + 1))).toEqual([
    `${ON_EVENT_MAX + 2}:1 error more than ${ON_EVENT_MAX} lines with On_Event | let one command take several events`,
  ])
})

test('a program that needs root is named, unless hooks have it', () => {
  const line = 'User = _postern\nOn_Event = open: sudo mail root\n'
  expect(told(line)).toEqual([
    '3:18 warning `sudo` needs root, and this command runs as _postern | set `Hooks_As_Root = yes`',
  ])
  expect(told(`${line}Hooks_As_Root = yes\n`)).toEqual([])
})
