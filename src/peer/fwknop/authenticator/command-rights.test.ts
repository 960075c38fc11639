// Goal: each thing that would keep commands from running as another user is found before they run. Nothing else is a
// reason to refuse them.
import { expect, test } from 'vitest'
import { commandFault, ownRights } from './command-rights.ts'
import type { Rights } from './command-rights.ts'

const GID = 1n << 6n
const UID = 1n << 7n
const all: Rights = { uid: 0, capabilities: GID | UID, hasProgram: () => true, hasAccount: () => true }
const as = (user?: string, group?: string): { line: number; user: string | undefined; group: string | undefined } => ({
  line: 3,
  user,
  group,
})

test('nothing speaks against it', () => {
  expect(commandFault(as('nobody', 'nogroup'), all)).toBeUndefined()
  expect(commandFault(as(undefined, 'nogroup'), { ...all, capabilities: GID })).toBeUndefined()
  expect(commandFault(as('nobody'), { ...all, capabilities: undefined })).toBeUndefined()
  const none = { uid: 1, capabilities: 0n, hasProgram: () => false, hasAccount: () => false }
  expect(commandFault(as(), none)).toBeUndefined()
})

test.each([
  [{ ...all, uid: 1_000 }, /^CMD_EXEC_USER: only root can/],
  [
    { ...all, capabilities: 0n },
    /lacks CAP_SETGID and CAP_SETUID\nadd CAP_SETGID CAP_SETUID to CapabilityBoundingSet=/,
  ],
  [{ ...all, capabilities: GID }, /lacks CAP_SETUID\n/],
  [{ ...all, capabilities: UID }, /lacks CAP_SETGID\n/],
  [{ ...all, hasAccount: (database: string) => database === 'group' }, /there is no user nobody\n/],
  [{ ...all, hasAccount: (database: string) => database === 'passwd' }, /there is no group nogroup\n/],
  [{ ...all, hasProgram: () => false }, /there is no runuser\n/],
])('%#', (rights, said) => {
  expect(commandFault(as('nobody', 'nogroup'), rights)).toMatch(said)
})

test.runIf(process.platform === 'linux')('of this process', () => {
  const own = ownRights()
  expect(own.hasAccount('passwd', 'root')).toBe(true)
  expect(own.hasAccount('passwd', 'nobody-of-that-name')).toBe(false)
  // A name service would take that for a number of an account.
  expect(own.hasAccount('passwd', '0')).toBe(false)
  expect(own.hasProgram('sh')).toBe(true)
  expect(own.hasProgram('no-program-of-that-name')).toBe(false)
  expect(own.capabilities).toBeTypeOf('bigint')
})
