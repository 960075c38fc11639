// Goal: the openings of a member of Control_Group have bounds, separately for each member.
import { expect, test } from 'vitest'
import {
  MEMBERS_CLIENTS_MAX,
  MEMBER_CLIENTS_MAX,
  MEMBER_REQUESTS_MAX,
  MEMBER_WINDOW_MS,
  Members,
} from '../control/members.ts'
import { readConfig } from '../config/read.ts'
import { parseAddress } from '../packet/address.ts'
import { MEMBER_OPENINGS_MAX, MemberOpenings, refusalOf } from './member.ts'

const DOOR = readConfig('[a]\nSequence = 1,2\nOpen_Ports = tcp/22\nOpen_For = 30s\nAllow_From = 192.0.2.0/24\n', '/k')
  .config!.doors[0]!
const refused = (address: string, ms = 30_000): boolean => refusalOf(DOOR, parseAddress(address)!, ms) !== undefined

test('an address that the door would take, for its time at most', () => {
  expect([refused('192.0.2.7'), refused('192.0.2.7', 30_001), refused('198.51.100.7')]).toEqual([false, true, true])
  const open = { ...DOOR, allowFrom: [] }
  for (const text of [
    '0.0.0.0',
    '127.0.0.1',
    '::ffff:127.0.0.1',
    '239.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    'ff02::1',
  ]) {
    expect(refusalOf(open, parseAddress(text)!, 1), text).toBeDefined()
  }
  for (const text of ['198.51.100.7', '2001:db8::7', 'fe80::7']) {
    expect(refusalOf(open, parseAddress(text)!, 1), text).toBeUndefined()
  }
})

test('so many openings at a time; the same one again is no other, and what has ended makes room', () => {
  const openings = new MemberOpenings()
  const add = (source: string, now: number, user = 1): boolean => openings.add(user, 'ssh', source, { ms: 10, now })
  for (let count = 0; count < MEMBER_OPENINGS_MAX; count++) expect(add(`a${count}`, 0)).toBe(true)
  expect([add('b', 5), add('a0', 5), add('b', 5, 2), add('b', 10)]).toEqual([false, true, true, true])
})

test('what was closed makes room, and nothing else does', () => {
  const openings = new MemberOpenings()
  const add = (door: string, source: string): boolean => openings.add(1, door, source, { ms: 10, now: 0 })
  for (let count = 0; count < MEMBER_OPENINGS_MAX; count++) add('a door', `a${count}`)
  openings.closed('another', undefined)
  openings.closed('a door', 'b')
  expect(add('a door', 'c')).toBe(false)
  openings.closed('a door', 'a3')
  expect([add('a door', 'c'), add('a door', 'd')]).toEqual([true, false])
  openings.closed(undefined, undefined)
  expect(add('a door', 'd')).toBe(true)
})

test('so many connections and requests, of each and of all', () => {
  const members = new Members()
  const entered = Array.from({ length: 3 * MEMBERS_CLIENTS_MAX }, (_, index) => members.enter(index % 5, 0))
  expect(entered.filter(Boolean)).toHaveLength(MEMBERS_CLIENTS_MAX)
  expect(entered.slice(0, MEMBERS_CLIENTS_MAX).every(Boolean)).toBe(true)
  members.leave(0)
  expect([members.enter(0, 0), members.enter(0, 0)]).toEqual([true, false])
  const alone = new Members()
  expect(Array.from({ length: 9 }, () => alone.enter(7, 0)).filter(Boolean)).toHaveLength(MEMBER_CLIENTS_MAX)
  const asked = Array.from({ length: 99 }, () => alone.ask(7, 0))
  expect(asked.filter(Boolean)).toHaveLength(MEMBER_REQUESTS_MAX)
  expect([alone.ask(7, MEMBER_WINDOW_MS - 1), alone.ask(8, 0), alone.ask(7, MEMBER_WINDOW_MS)]).toEqual([
    false,
    true,
    true,
  ])
})

test('who is remembered is bounded, and who is idle gives way', () => {
  const members = new Members()
  const known = Array.from({ length: 1_000 }, (_, user) => members.ask(user, 0)).filter(Boolean)
  expect(known).toHaveLength(256)
  expect(members.ask(5_000, MEMBER_WINDOW_MS)).toBe(true)
})
