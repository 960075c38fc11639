// Goal: the number of listed sources is bounded, however many a capture has. Those that came furthest in a sequence
// stay.
import { expect, test } from 'vitest'
import type { LogEvent } from '../../log/event.ts'
import { parseAddress } from '../../packet/address.ts'
import { ACCOUNTS_MAX, Accounts } from './accounts.ts'

const staged = (from: string, stage: number): LogEvent[] => [
  { kind: 'stage', source: parseAddress(from)!, door: 'ssh', stage },
]

test('a flood of first knocks does not push out who came further, before or amid it', () => {
  const accounts = new Accounts()
  const flood = (from: number): void => {
    for (let at = 0; at < ACCOUNTS_MAX; at++) accounts.note(staged(`10.${from}.${at >> 8}.${at & 255}`, 1))
  }
  accounts.note(staged('192.0.2.1', 1))
  accounts.note(staged('192.0.2.1', 2))
  flood(1)
  accounts.note(staged('192.0.2.2', 1))
  accounts.note(staged('192.0.2.2', 2))
  flood(2)
  const listed = accounts.all
  expect(listed).toHaveLength(ACCOUNTS_MAX)
  expect(
    listed
      .slice(0, 2)
      .map(({ source }) => source)
      .toSorted(),
  ).toEqual(['192.0.2.1', '192.0.2.2'])
  expect(accounts.leftOut).toBe(true)
})

test('a single packet counts once, whether its door opens or not', () => {
  const accounts = new Accounts()
  const source = '192.0.2.1'
  accounts.note([{ kind: 'open', source: parseAddress(source)!, door: 'fw' }])
  accounts.note([{ kind: 'rejected', packet: 'packet', source, to: 'udp/62201', user: 'bob', reason: 'too old' }])
  expect(accounts.all).toMatchObject([{ packets: 2, opened: new Map([['fw', 1]]), reasons: new Map([['too old', 1]]) }])
})

test('reasons are counted, and strangers that did nothing are nobody', () => {
  const accounts = new Accounts()
  const source = parseAddress('192.0.2.1')!
  const passed: LogEvent[] = [{ kind: 'explanation', source, knock: '9:tcp', reason: 'flags' }]
  accounts.note(passed)
  expect(accounts.all).toEqual([])
  accounts.note(staged('192.0.2.1', 1))
  accounts.note(passed)
  accounts.note(passed)
  accounts.note([{ kind: 'sequence-timeout', source, door: 'ssh', stage: 1 }])
  expect(accounts.all).toMatchObject([
    {
      source: '192.0.2.1',
      packets: 3,
      reasons: new Map([
        ['flags', 2],
        ['too slow', 1],
      ]),
    },
  ])
})
