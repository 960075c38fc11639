// Goal: a group counts as private only if the files say for certain that it has no other member.
import { expect, test } from 'vitest'
import { isPrivateGroup } from './private-group.ts'

const own = process.geteuid?.() ?? 0
const PASSWD = `root:x:0:0::/root:/bin/sh\nme:x:${own}:700::/:/bin/sh\neve:x:4711:800::/:/bin/sh\n`
const GROUPS =
  'root:x:0:\nmine:x:700:\nlisted:x:701:root,me\nempty:x:50:\neves:x:800:\nours:x:702:me,eve\nghosts:x:703:gone\n'
const isPrivate = (gid: number): boolean => isPrivateGroup(gid, (path) => (path === '/etc/passwd' ? PASSWD : GROUPS))

test.each([0, 700, 701, 50])('group %i has nobody else in it', (gid) => {
  expect(isPrivate(gid)).toBe(true)
})

test.each([
  [800, 'somebody else has it as their first group'],
  [702, 'somebody else is a member'],
  [703, 'a member is not known'],
  [999, 'the group is not known'],
])('group %i: %s', (gid) => {
  expect(isPrivate(gid)).toBe(false)
})

const fail = (): string => {
  throw new Error('EACCES')
}

test('files that cannot be read say nothing', () => {
  expect(isPrivateGroup(0, fail)).toBe(false)
})
