// Goal: any right of any thread beyond those of the daemon's user is found, in every set of rights.
import { expect, test } from 'vitest'
import { DAEMON_CAPABILITIES, readThreads } from '../../native/credentials.ts'
import type { ThreadCredentials } from '../../native/credentials.ts'
import { moreThan } from './credentials.ts'

const USER = { uid: 7, gid: 8 }
const RIGHT: ThreadCredentials = {
  thread: 1,
  uids: [7, 7, 7, 7],
  gids: [8, 8, 8, 8],
  groups: [8],
  permitted: DAEMON_CAPABILITIES,
  effective: DAEMON_CAPABILITIES,
  inheritable: DAEMON_CAPABILITIES,
}

test("two capabilities, one or none are the daemon's", () => {
  expect(moreThan(RIGHT, USER)).toBeUndefined()
  expect(moreThan({ ...RIGHT, permitted: 0n, effective: 0n, inheritable: 0n }, USER)).toBeUndefined()
})

test.each([
  ['a real user', { uids: [0, 7, 7, 7] }, 'the user id 0'],
  ['a saved user', { uids: [7, 7, 0, 7] }, 'the user id 0'],
  ['a file system group', { gids: [8, 8, 8, 0] }, 'the group id 0'],
  ['a permitted capability', { permitted: DAEMON_CAPABILITIES | 1n }, 'the capabilities 1'],
  ['an effective capability', { effective: 1n << 21n }, 'the capabilities 200000'],
  ['an inheritable capability', { inheritable: 1n << 40n }, 'the capabilities 10000000000'],
  ['nothing that can be read', { uids: [] }, 'the user id of nobody'],
])('%s is more', (_, more, said) => {
  expect(moreThan({ ...RIGHT, ...more }, USER)).toBe(said)
})

test.runIf(process.platform === 'linux')('the threads of this process are read', () => {
  const threads = readThreads()
  expect(threads.length).toBeGreaterThan(1)
  expect(threads.every(({ uids, gids }) => uids.length === 4 && gids.length === 4)).toBe(true)
  expect(threads[0]!.uids[1]).toBe(process.geteuid!())
})
