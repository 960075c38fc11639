// Goal: Postern knows who may still hold a door open, even after mistakes in files, new lists and new configs.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Config } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import type { Held } from '../door/held.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { Authenticators } from './authenticators.ts'
import { fakeDeps } from './deps-fake.ts'
import { claimOf } from '../../test/secret/contract.ts'
import { listName } from './generated-door.ts'

const NO_PACKETS = { claimed: () => undefined, load: async () => await Promise.reject(new Error('none')) }

let folder: string
let authenticators: Authenticators
let said: readonly string[]
/** Settles when the holders have changed. */
let changed: () => void
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-holders-'))
  const deps = await fakeDeps(join(folder, 'lists'))
  said = deps.said
  changed = () => undefined
  authenticators = new Authenticators({ ...deps, holdersChanged: () => changed() }, NO_PACKETS)
})
afterEach(async () => {
  await authenticators.close()
  rmSync(folder, { recursive: true })
})

const path = (): string => join(folder, 'file')
const write = (text: string): void => writeFileSync(path(), text, { mode: 0o600 })
const configOf = (lines: string): Config => {
  const { config, faults } = readConfig(`[d]\n${lines}\nOpen_Ports = tcp/22\n`, 'k')
  if (config === undefined) throw new Error(JSON.stringify(faults))
  return config
}
const replace = (lines: string): void => authenticators.replace(configOf(lines))
const held = (holder: string | undefined, user?: string): Held => ({
  door: 'd',
  source: '192.0.2.7',
  services: undefined,
  forward: undefined,
  holder,
  user,
})
const first = (user?: string): GateSequence =>
  [...authenticators.sequences()].find((sequence) => sequence.user === user)!
const redeem = async (user?: string): Promise<string> => {
  const redeemed = await authenticators.redeem(claimOf(first(user)))
  return 'holder' in redeemed ? redeemed.holder : 'refused'
}

test('the holder of a fixed sequence may hold the door until the sequence changes', async () => {
  replace('Sequence = 7431,8020,6001')
  const alice = await redeem()
  expect(authenticators.mayHold(held(alice))).toBe('may')
  replace('Sequence = 7431,8020,6001\nSeq_Timeout = 5')
  expect(authenticators.mayHold(held(alice))).toBe('may')
  expect(authenticators.mayHold(held(undefined))).toBe('unknown')
  replace('Sequence = 7431,8020,6002')
  expect(authenticators.mayHold(held(alice))).toBe('may not')
})

test('users that are read again are those of the file, with their last use from the journal', async () => {
  const before = Math.floor(Date.now() / 1000)
  write('alice otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&digits=8\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  const users = (): unknown =>
    authenticators.readUsers('d')?.users.map(({ name, lastUsedMs = 0 }) => [name, lastUsedMs > 0])
  expect(users()).toEqual([
    ['alice', false],
    ['bob', false],
  ])
  await redeem('alice')
  expect(users()).toEqual([
    ['alice', true],
    ['bob', false],
  ])
  const [{ lastUsedMs = 0 } = {}] = authenticators.readUsers('d')!.users
  expect(Math.abs(lastUsedMs / 1000 - before)).toBeLessThan(300)
  write('carol 7001,7002\n')
  expect(users()).toEqual([['carol', false]])
  expect([...authenticators.sequences()].map(({ user }) => user)).toEqual(['carol'])
  rmSync(path())
  expect(authenticators.readUsers('d')).toMatchObject({ file: path(), fault: expect.stringMatching(/no such file$/) })
  replace('Sequence = 7431,8020,6001')
  expect(authenticators.readUsers('d')).toBeUndefined()
})

test('users are known by their secrets, not by their names; a faulty line leaves its user as before', async () => {
  write('alice 7431,8020\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  const [alice, bob] = [await redeem('alice'), await redeem('bob')]
  const verdicts = (): readonly string[] => [alice, bob].map((holder) => authenticators.mayHold(held(holder)))
  expect(verdicts()).toEqual(['may', 'may'])
  write('alice 7431,x\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  expect(verdicts()).toEqual(['may', 'may'])
  expect(said.at(-1)).toMatch(/keeping the previous lines of alice$/)
  expect(new Set([...authenticators.sequences()].map(({ user }) => user))).toEqual(new Set(['alice', 'bob']))
  write('bob 6001,6002\n')
  replace(`Users = ${path()}`)
  expect(verdicts()).toEqual(['may not', 'may'])
  expect([...authenticators.sequences()].map(({ user }) => user)).toEqual(['bob'])
  // A new secret makes a new user, even with the same name.
  write('alice 5001,5002\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  expect(verdicts()).toEqual(['may not', 'may'])
  expect(authenticators.mayHold(held(undefined, 'alice'))).toBe('may')
  expect(authenticators.mayHold(held(undefined, 'carol'))).toBe('may not')
})

test('the last good state of a file outlasts a change of its door; another file has its own state', async () => {
  write('alice 7431,8020\n')
  replace(`Users = ${path()}`)
  const alice = await redeem('alice')
  rmSync(path())
  replace(`Users = ${path()}\nSeq_Timeout = 5`)
  expect(said.at(-1)).toMatch(/^d: keeping the previous users: .*no such file$/)
  expect(authenticators.mayHold(held(alice))).toBe('may')
  expect([...authenticators.sequences()].map(({ user }) => user)).toEqual(['alice'])
  replace(`Users = ${path()}.other`)
  expect(authenticators.mayHold(held(alice))).toBe('unknown')
  expect([...authenticators.sequences()]).toEqual([])
})

test('the user of a one-time sequence may hold the door while the list has it, used or not', async () => {
  write(' 7431,8020\n9123,6001\n')
  replace(`One_Time_Sequences = ${path()}`)
  const one = await redeem()
  const two = await redeem()
  expect(readFileSync(path(), 'utf8')).toBe('#7431,8020\n#123,6001\n')
  expect([authenticators.mayHold(held(one)), authenticators.mayHold(held(two))]).toEqual(['may', 'may'])
  const other = new Promise<void>((resolve) => (changed = resolve))
  write('#7431,8020\r\n 5001,5002\n')
  await other
  expect([authenticators.mayHold(held(one)), authenticators.mayHold(held(two))]).toEqual(['may', 'may not'])
})

test('the list of the daemon: refilling it changes nothing, but the second list after it does', async () => {
  const begun = new Promise<void>((resolve) => (changed = resolve))
  replace('One_Time_Sequences = generate\nSequence_Count = 3\nLow_Water = 2')
  await begun
  const list = join(folder, 'lists', listName('d'))
  const holder = await redeem()
  expect(authenticators.mayHold(held(holder))).toBe('may')
  const name = /^# list: (\S+)$/m.exec(readFileSync(list, 'utf8'))![1]
  // Changes run one after the other: the refill is over when the list is another one.
  await authenticators.rotate('d')
  expect(readFileSync(`${list}.old`, 'utf8')).toContain(`# list: ${name}\n`)
  expect(authenticators.status('d').left).toBe(3)
  expect(authenticators.mayHold(held(holder))).toBe('may')
  await authenticators.rotate('d')
  expect(authenticators.mayHold(held(holder))).toBe('may not')
})

test('a user who was removed while the file was unreadable is found once it is readable', async () => {
  write('alice 7431,8020\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  const alice = await redeem('alice')
  // This is like a restart with a faulty file.
  authenticators.replace({ ...configOf('Sequence = 7431,8020,6001'), doors: [] })
  chmodSync(path(), 0o644)
  replace(`Users = ${path()}`)
  expect(authenticators.mayHold(held(alice))).toBe('unknown')
  let looks = 0
  changed = () => looks++
  write('bob 6001,6002\n')
  chmodSync(path(), 0o600)
  replace(`Users = ${path()}`)
  expect(authenticators.mayHold(held(alice))).toBe('may not')
  expect(looks).toBeGreaterThan(0)
})
