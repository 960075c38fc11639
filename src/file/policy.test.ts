// Goal: root may share its secret files with the private group of the daemon's user, and with no other group or right.
import { afterEach, describe, expect, test } from 'vitest'
import { CLASSIC, LIST, SECRET, judgeFile } from './policy.ts'
import type { FilePolicy } from './policy.ts'
import { shareWith } from './private-group.ts'

/** A user of every Debian whose group has no other member, and a group of several users. */
const DAEMON = { uid: 1, gid: 1 }
const NOGROUP = 65_534

const judged = (mode: number, uid: number, gid: number, policy: FilePolicy = SECRET): readonly string[] =>
  judgeFile('/f', { mode: 0o100_000 | mode, uid, gid }, policy).map(({ message, cure }) => `${message} | ${cure}`)

describe.runIf(process.geteuid?.() === 0)('as root', () => {
  afterEach(() => shareWith(undefined))

  test('a group may read nothing if the config has no User', () => {
    expect(judged(0o640, 0, DAEMON.gid)).toEqual([
      'others than its owner can read or write it (mode 0640) | chmod 600 /f',
    ])
  })

  test("the group of the User may read root's files, and mark used lines of lists", () => {
    shareWith(DAEMON)
    expect([judged(0o640, 0, DAEMON.gid), judged(0o600, 0, 0), judged(0o660, 0, DAEMON.gid, LIST)]).toEqual([
      [],
      [],
      [],
    ])
  })

  test.each([
    ['others', 0o644, 0, DAEMON.gid, SECRET],
    ['a writing group', 0o660, 0, DAEMON.gid, SECRET],
    ['another group', 0o640, 0, 2, SECRET],
    ["root's group", 0o640, 0, 0, SECRET],
    ["the user's file", 0o640, DAEMON.uid, DAEMON.gid, SECRET],
    ['a config that the group writes', 0o660, 0, DAEMON.gid, CLASSIC],
    ['a list that others write', 0o662, 0, DAEMON.gid, LIST],
  ] as const)('%s may not', (_, mode, uid, gid, policy) => {
    shareWith(DAEMON)
    expect(judged(mode, uid, gid, policy)).not.toEqual([])
  })

  test('a group with other members may read nothing, for any User', () => {
    shareWith({ uid: NOGROUP, gid: NOGROUP })
    expect(judged(0o640, 0, NOGROUP)).not.toEqual([])
  })

  test('the printed command keeps the file readable for the User', () => {
    shareWith(DAEMON)
    expect(judged(0o644, 0, DAEMON.gid)).toEqual([
      'others than its owner can read or write it (mode 0644) | chmod 640 /f',
    ])
  })
})
