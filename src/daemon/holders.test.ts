// Goal: the doors of the gate know who may hold them, through slips in their files, other lists and other configs.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import type { Held } from '../door/held.ts'
import { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import { textOf } from '../log/format.ts'
import { HolderMarks } from '../state/holder-marks.ts'
import { MemoryDisk } from '../state/memory-disk.ts'
import { openStoreOn } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { Doors } from './doors.ts'
import { listName } from './generated-door.ts'

const marks = new HolderMarks(new Uint8Array(32).fill(1))

let folder: string
let store: Store
let doors: Doors
let said: string[]
/** Settles when holders have changed. */
let changed: () => void
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-holders-'))
  ;({ store } = await openStoreOn(new MemoryDisk(), '/state'))
  said = []
  changed = () => undefined
  doors = new Doors({
    gate: new Gate({ scanPorts: 0, scanIgnoreMs: 0, explain: false, seed: [1, 2], own: [] }),
    store,
    listFolder: join(folder, 'lists'),
    say: (_level, text) => void said.push(text),
    event: (event) => void said.push(textOf(event)),
    changed: () => undefined,
    holdersChanged: () => changed(),
    marks,
    busy: () => new Set(),
  })
})
afterEach(async () => {
  await doors.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

const path = (): string => join(folder, 'file')
const write = (text: string): void => writeFileSync(path(), text, { mode: 0o600 })
const doorsOf = (lines: string): readonly Door[] => {
  const { config, faults } = readConfig(`[d]\n${lines}\nOpen_Ports = tcp/22\n`, 'k')
  if (config === undefined) throw new Error(JSON.stringify(faults))
  return config.doors
}
const replace = (lines: string): void => doors.replace(doorsOf(lines))
const held = (holder: string | undefined, user?: string): Held => ({
  door: 'd',
  source: '192.0.2.7',
  services: undefined,
  forward: undefined,
  holder,
  user,
})
const first = (user?: string): Secret => [...doors.secrets()].find((secret) => secret.user === user)!
const redeem = async (user?: string): Promise<string> => (await doors.redeem(first(user)))!

test('a fixed sequence: whoever knows it', async () => {
  replace('Sequence = 7431,8020,6001')
  const alice = await redeem()
  expect(doors.mayHold(held(alice))).toBe('may')
  replace('Sequence = 7431,8020,6001\nSeq_Timeout = 5')
  expect(doors.mayHold(held(alice))).toBe('may')
  expect(doors.mayHold(held(undefined))).toBe('unknown')
  replace('Sequence = 7431,8020,6002')
  expect(doors.mayHold(held(alice))).toBe('may not')
})

test('users: by their secrets, not by their names; whose line has a slip is as before', async () => {
  write('alice 7431,8020\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  const [alice, bob] = [await redeem('alice'), await redeem('bob')]
  const verdicts = (): readonly string[] => [alice, bob].map((holder) => doors.mayHold(held(holder)))
  expect(verdicts()).toEqual(['may', 'may'])
  write('alice 7431,x\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  expect(verdicts()).toEqual(['may', 'may'])
  expect(said.at(-1)).toMatch(/keeping the previous lines of alice$/)
  expect(new Set([...doors.secrets()].map(({ user }) => user))).toEqual(new Set(['alice', 'bob']))
  write('bob 6001,6002\n')
  replace(`Users = ${path()}`)
  expect(verdicts()).toEqual(['may not', 'may'])
  expect([...doors.secrets()].map(({ user }) => user)).toEqual(['bob'])
  // Another of the same name is another.
  write('alice 5001,5002\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  expect(verdicts()).toEqual(['may not', 'may'])
  expect(doors.mayHold(held(undefined, 'alice'))).toBe('may')
  expect(doors.mayHold(held(undefined, 'carol'))).toBe('may not')
})

test('the last good state of a file outlasts a change of its door; another file has a state of its own', async () => {
  write('alice 7431,8020\n')
  replace(`Users = ${path()}`)
  const alice = await redeem('alice')
  rmSync(path())
  replace(`Users = ${path()}\nSeq_Timeout = 5`)
  expect(said.at(-1)).toMatch(/^d: keeping the previous users: .*no such file$/)
  expect(doors.mayHold(held(alice))).toBe('may')
  expect([...doors.secrets()].map(({ user }) => user)).toEqual(['alice'])
  replace(`Users = ${path()}.other`)
  expect(doors.mayHold(held(alice))).toBe('unknown')
  expect([...doors.secrets()]).toEqual([])
})

test('one-time sequences: whoever opened with one that is in the list, struck out since or not', async () => {
  write(' 7431,8020\n9123,6001\n')
  replace(`One_Time_Sequences = ${path()}`)
  const one = await redeem()
  const two = await redeem()
  expect(readFileSync(path(), 'utf8')).toBe('#7431,8020\n#123,6001\n')
  expect([doors.mayHold(held(one)), doors.mayHold(held(two))]).toEqual(['may', 'may'])
  const other = new Promise<void>((resolve) => (changed = resolve))
  write('#7431,8020\r\n 5001,5002\n')
  await other
  expect([doors.mayHold(held(one)), doors.mayHold(held(two))]).toEqual(['may', 'may not'])
})

test('a list that the daemon makes: filling it up changes nothing, the second list after it does', async () => {
  const begun = new Promise<void>((resolve) => (changed = resolve))
  replace('One_Time_Sequences = generate\nSequence_Count = 3\nLow_Water = 2')
  await begun
  const list = join(folder, 'lists', listName('d'))
  const holder = await redeem()
  expect(doors.mayHold(held(holder))).toBe('may')
  const name = /^# list: (\S+)$/m.exec(readFileSync(list, 'utf8'))![1]
  // Turns are one after the other: the fill-up is over when the list is another.
  await doors.rotate('d')
  expect(readFileSync(`${list}.old`, 'utf8')).toContain(`# list: ${name}\n`)
  expect(doors.left('d')).toBe(3)
  expect(doors.mayHold(held(holder))).toBe('may')
  await doors.rotate('d')
  expect(doors.mayHold(held(holder))).toBe('may not')
})

test('whoever was taken out of a file while it could not be read is looked for once it can', async () => {
  write('alice 7431,8020\nbob 6001,6002\n')
  replace(`Users = ${path()}`)
  const alice = await redeem('alice')
  // As a restart with the file at fault.
  doors.replace([])
  chmodSync(path(), 0o644)
  replace(`Users = ${path()}`)
  expect(doors.mayHold(held(alice))).toBe('unknown')
  let looks = 0
  changed = () => looks++
  write('bob 6001,6002\n')
  chmodSync(path(), 0o600)
  replace(`Users = ${path()}`)
  expect(doors.mayHold(held(alice))).toBe('may not')
  expect(looks).toBeGreaterThan(0)
})
