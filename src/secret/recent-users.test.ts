// Goal: reading a file again gives the same as reading it for the first time, and costs nothing if it is unchanged.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseUsers } from '../config/users.ts'
import { KEPT_MIN_CHARS, readRecentUsers } from './recent-users.ts'

const LONG = `# ${'x'.repeat(KEPT_MIN_CHARS)}\n`

const lines = fc.array(
  fc.constantFrom(
    'alice 7431,8020',
    ' alice 7431,8020',
    'bob 7431,8020',
    'bob 7431,8021:tcp',
    'carol 1,x',
    '# x',
    '',
    'dave\r',
  ),
  { maxLength: 12 },
)

test('a text is read like the first one, whatever was read before', () => {
  fc.assert(
    fc.property(fc.array(lines, { maxLength: 4 }), (texts) => {
      for (const text of texts.map((each) => `${LONG}${each.join('\n')}`))
        expect(readRecentUsers(text)).toEqual(parseUsers(text))
    }),
  )
})

test('the same text has the same reading, and a line that stays its secret', () => {
  const first = readRecentUsers(`${LONG}alice 7431,8020\nbob 7431,8021\n`)
  expect(readRecentUsers(`${LONG}alice 7431,8020\nbob 7431,8021\n`)).toBe(first)
  // As the difference of two versions is read.
  readRecentUsers('carol 7431,8022\n')
  const next = readRecentUsers(`${LONG}bob 7431,8021\n`)
  expect(next.users).toEqual([{ ...first.users[1], line: 2 }])
  expect(next.users[0]!.secret).toBe(first.users[1]!.secret)
})
