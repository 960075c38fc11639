// Goal: a confirmation is on disk whole or not at all, even if the process is killed. A file that others can change is
// not used.
import { chmodSync, lchownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { BASE_TABLE, REMOVE_BASE } from '../firewall/base/ruleset.ts'
import { readBootId } from '../state/boot-clock.ts'
import type { Confirmed } from './confirmed.ts'
import { endOverdue } from './end-trial.ts'
import { BaseFiles } from './files.ts'
import { sinceBoot } from './trial.ts'
import type { Trial } from './trial.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-base-'))
afterAll(() => rmSync(folder, { recursive: true }))
let at = ''
let files: BaseFiles
const ran: string[] = []
const firewall = {
  run: (commands: string): string => {
    ran.push(commands)
    return ''
  },
}
beforeEach(() => {
  at = mkdtempSync(join(folder, 'host-'))
  files = new BaseFiles({ trial: join(at, 'run/trial.json'), confirmed: join(at, 'state/base.json'), certain: true })
  ran.length = 0
})

const rules = (text: string): string =>
  `add table ${BASE_TABLE}\ndelete table ${BASE_TABLE}\ntable ${BASE_TABLE} {\n${text}}\n`
const confirmed = (id: string): Confirmed => ({
  id,
  boot: readBootId(),
  since: 1,
  rules: rules(id),
  config: '/etc/knockd.conf',
  allowed: '',
  guarded: '',
  commandDoors: [],
  beside: false,
  persist: undefined,
  replace: false,
})
const trial = (id: string, more: Partial<Trial> = {}): Trial => ({
  id,
  boot: readBootId(),
  deadline: sinceBoot() - 1,
  before: 'table old',
  confirmed: confirmed(id),
  guard: '',
  remote: true,
  connections: [],
  ...more,
})

test('a trial whose time is over is taken back; one that was confirmed is put in force', () => {
  files.trial.write(trial('new'))
  expect([endOverdue(files, firewall), ran, files.trial.read()]).toEqual([
    'taken back',
    [`${REMOVE_BASE}table old`],
    undefined,
  ])
  files.trial.write(trial('new'))
  files.confirmed.write(confirmed('new'))
  expect([endOverdue(files, firewall), ran.at(-1)]).toEqual(['confirmed', rules('new')])
  expect([endOverdue(files, firewall), ran.length]).toEqual([undefined, 2])
})

test('a trial that still runs, or that ended with a reboot, changes no rules', () => {
  files.trial.write(trial('new', { deadline: sinceBoot() + 60_000 }))
  expect([endOverdue(files, firewall), files.trial.read()?.id]).toEqual([undefined, 'new'])
  files.trial.write(trial('new', { boot: 'another' }))
  expect([endOverdue(files, firewall), files.trial.read(), ran]).toEqual([undefined, undefined, []])
})

test('if the kernel refuses the rules, the trial stays on disk and is tried again', () => {
  files.trial.write(trial('new'))
  const refusing = {
    run: (): string => {
      throw new Error('no')
    },
  }
  expect(() => endOverdue(files, refusing)).toThrow('no')
  expect(files.trial.read()?.id).toBe('new')
})

test('a confirmation is read back, and a half-written one never takes its place', () => {
  files.confirmed.write(confirmed('a'))
  // A power cut can leave such a file.
  writeFileSync(join(at, 'state/base.json.new'), '{"id":', { mode: 0o600 })
  expect(files.confirmed.read()).toEqual({ ...confirmed('a'), persist: undefined })
  files.confirmed.write(confirmed('b'))
  expect(files.confirmed.read()?.id).toBe('b')
  expect(readdirSync(join(at, 'state'))).toEqual(['base.json'])
  files.confirmed.remove()
  files.confirmed.remove()
  expect(files.confirmed.read()).toBeUndefined()
})

test.each([
  ['{', /damaged/],
  ['null', /damaged/],
  ['{"id":"a"}', /damaged/],
  [JSON.stringify({ ...confirmed('a'), rules: 'flush ruleset' }), /damaged/],
  [JSON.stringify({ ...confirmed('a'), commandDoors: [1] }), /damaged/],
])('an invalid record is reported as damaged: %j', (text, message) => {
  mkdirSync(join(at, 'state'), { mode: 0o700 })
  writeFileSync(join(at, 'state/base.json'), text, { mode: 0o600 })
  expect(() => files.confirmed.read()).toThrow(message)
  expect(files.confirmed.readIfUsable()).toBeUndefined()
})

test('a file, a folder or a link that others can change is not used', () => {
  files.confirmed.write(confirmed('a'))
  chmodSync(join(at, 'state/base.json'), 0o622)
  expect(() => files.confirmed.read()).toThrow(/others than its owner can change it \(mode 0622\)\n {2}chmod 600/)
  chmodSync(join(at, 'state/base.json'), 0o600)
  chmodSync(join(at, 'state'), 0o777)
  expect(() => files.confirmed.read()).toThrow(/others can write its folder/)
  expect(() => files.confirmed.write(confirmed('b'))).toThrow(/others can write its folder/)
  chmodSync(join(at, 'state'), 0o700)
  files.confirmed.remove()
  writeFileSync(join(at, 'mine'), JSON.stringify(confirmed('a')), { mode: 0o600 })
  symlinkSync(join(at, 'mine'), join(at, 'state/base.json'))
  expect(files.confirmed.read()).toBeDefined()
  // Only root can give a link to another user.
  if (process.geteuid?.() !== 0) return
  lchownSync(join(at, 'state/base.json'), 65_534, 65_534)
  expect(() => files.confirmed.read()).toThrow(/the symbolic link .* belongs to another user/)
})

test('only one process at a time has the lock', async () => {
  const lock = files.lock()
  expect(() => files.lock()).toThrow(/locked/)
  const waiting = files.lockSoon()
  lock.release()
  ;(await waiting).release()
})

test('a trial counts as confirmed once the process that confirms it has written everything', async () => {
  const lock = files.lock()
  let told: boolean | undefined
  const telling = files.wasConfirmed('a').then((each) => (told = each))
  files.confirmed.write(confirmed('a'))
  // This is longer than one check of the lock takes.
  await pause(150)
  expect(told).toBeUndefined()
  lock.release()
  expect(await telling).toBe(true)
  expect(await files.wasConfirmed('b')).toBe(false)
})
