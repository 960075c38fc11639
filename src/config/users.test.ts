// Goal: a file of users is read line by line. A faulty line is reported with its place and left out; the other lines
// count. No text makes reading throw, and no secret is repeated.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { TCP, UDP } from '../packet/packet.ts'
import { USERS_MAX, parseUsers } from './users.ts'

const KEY = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const OTHER = 'MZXW6YTBOIFA2DQPCAQDAQCQIFA2DQPC'
const URI = `otpauth://totp/gate:alice?secret=${OTHER}&digits=6`

test('names and secrets of every kind are read', () => {
  const { users, faults } = parseUsers(`\uFEFF# who\n\nalice ${URI}\r\n\tbob\t ${KEY}\ncarol.1-x 7431,8020:udp\n`)
  expect(faults).toEqual([])
  expect(users.map(({ name, line, secret }) => [name, line, secret.kind])).toEqual([
    ['alice', 3, 'totp'],
    ['bob', 4, 'totp'],
    ['carol.1-x', 5, 'sequence'],
  ])
  expect(users[0]!.secret).toMatchObject({ totp: { digits: 6 } })
  expect(users[1]!.secret).toMatchObject({ totp: { digits: 8 } })
  expect(users[2]!.secret).toEqual({
    kind: 'sequence',
    knocks: [
      { protocol: TCP, port: 7431 },
      { protocol: UDP, port: 8020 },
    ],
  })
})

describe('a faulty line is reported, and the lines around it count', () => {
  test.each([
    ['a name with characters of the shell', '$(x) 1,2', '1:1 the line does not begin with the name of a user'],
    ['no secret', '  bob', '1:6 the secret of `bob` is missing'],
    ['no sequence', 'bob 1,x', '1:7 the secret of `bob` is not a sequence'],
    ['a short key', 'bob GEZDGNBVGY3TQOJQ', '1:5 the secret of `bob` has a key that is too short'],
    ['a URI of a counter', `bob otpauth://hotp/x?secret=${KEY}`, '1:5 the secret of `bob` is not an otpauth URI'],
    ['a name twice', 'carol 1,2\nbob 9,8', '3:1 user `carol` is already on line 1'],
    ['a sequence twice', 'bob 5,6', '2:7 user `carol` has the same secret as line 1'],
    [
      'a key twice, written otherwise',
      `bob ${KEY}\ndan otpauth://totp/x?secret=${KEY.toLowerCase()}`,
      '2:5 user `dan` has the same secret as line 1',
    ],
  ])('%s', (_, lines, message) => {
    const { users, faults } = parseUsers(`${lines}\ncarol 5,6\n`)
    const told = faults.map((fault) => `${fault.line}:${fault.column} ${fault.message}`)
    expect(
      told.some((each) => each.startsWith(message)),
      told.join('\n'),
    ).toBe(true)
    expect(users.length).toBeGreaterThan(0)
  })
})

test('the number of users and the number of reported faults have a bound', () => {
  const many = Array.from(
    { length: USERS_MAX + 5 },
    (_, index) => `u${index} ${(index % 60_000) + 1},${(index >> 1) + 1}:udp`,
  )
  const { users, faults } = parseUsers(many.join('\n'))
  expect(users).toHaveLength(USERS_MAX)
  expect(faults.map(({ message }) => message)).toEqual(['too many users'])
  expect(parseUsers('!\n'.repeat(1_000)).faults.length).toBeLessThan(30)
})

test('any text is read, and no message has any part of a secret', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.string(), fc.constantFrom(' ', '\t', '\n'), fc.string())), (parts) => {
      const { users, faults } = parseUsers(parts.map((part) => part.join('')).join('\n'))
      expect(users.every(({ name }) => /^[A-Za-z0-9._-]+$/.test(name))).toBe(true)
      expect(faults.every(({ line, column }) => line > 0 && column > 0)).toBe(true)
    }),
  )
  const told = JSON.stringify(parseUsers(`bob ${KEY}1\nal otpauth://totp/x?secret=${OTHER}1\n`).faults)
  expect(told).not.toContain(KEY)
  expect(told).not.toContain(OTHER)
})

test('the names on unreadable lines are returned, so that those users can keep their previous secrets', () => {
  const text = `alice 1,x\nbob ${KEY}\n# carol 1,2\nbob 3,4\n-x 1\ndan 5,6\rerin 7,8\r# frank 9,9\ngina\n`
  const { users, faults, unread } = parseUsers(text)
  expect(users.map(({ name }) => name)).toEqual(['bob'])
  expect(faults.map(({ line }) => line)).toEqual([1, 4, 5, 6, 7])
  expect([...unread]).toEqual(['alice', 'bob', 'dan', 'erin', 'gina'])
})
