// Goal: a config on trial is replaced by the very file that was there before, after a crash at any step. Nothing that
// somebody wrote meanwhile is lost.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ConfigTrialFile, hashOf, keepBeside, putConfigBack, putGuardBack } from './config-trial.ts'
import type { ConfigTrial } from './config-trial.ts'

const [OLD, NEW] = ['[old]\n', '[new]\n']
let folder: string
let config: string

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-trial-'))
  config = join(folder, 'knockd.conf')
})
afterEach(() => rmSync(folder, { recursive: true }))

const trialOf = (more: Partial<ConfigTrial>): ConfigTrial => ({
  id: 'one',
  boot: 'boot',
  deadline: 1,
  remote: false,
  connections: [],
  sum: hashOf(NEW),
  backup: undefined,
  made: [],
  guard: undefined,
  starter: 'none',
  wasRunning: false,
  pid: undefined,
  ...more,
})
const replace = (text: string): void => {
  writeFileSync(`${config}.new`, text)
  renameSync(`${config}.new`, config)
}

test('the previous config is back as it was: the same file, with its mode', () => {
  writeFileSync(config, OLD, { mode: 0o640 })
  const { ino } = statSync(config)
  const trial = trialOf({ backup: keepBeside(config) })
  replace(NEW)
  expect(putConfigBack(trial, config)).toBeUndefined()
  expect([readFileSync(config, 'utf8'), statSync(config).ino, statSync(config).mode & 0o777]).toEqual([OLD, ino, 0o640])
  expect(readdirSync(folder)).toEqual(['knockd.conf'])
})

test('without a previous one the config is gone again, and with it the secret that was made for it', () => {
  const made = [join(folder, 'secret')]
  writeFileSync(made[0]!, 'x')
  replace(NEW)
  putConfigBack(trialOf({ made }), config)
  expect(readdirSync(folder)).toEqual([])
  putConfigBack(trialOf({ made }), config)
  expect(readdirSync(folder)).toEqual([])
})

test('a crash before the new config is in its place, and one in the middle of going back', () => {
  writeFileSync(config, OLD)
  const trial = trialOf({ backup: keepBeside(config) })
  putConfigBack(trial, config)
  expect(readdirSync(folder)).toEqual(['knockd.conf'])
  putConfigBack(trial, config)
  expect(readFileSync(config, 'utf8')).toBe(OLD)
})

test.each([undefined, OLD])('what somebody wrote during the trial is kept beside it (before: %s)', (before) => {
  if (before !== undefined) writeFileSync(config, before)
  const trial = trialOf({ backup: keepBeside(config) })
  replace('[mine]\n')
  expect(putConfigBack(trial, config)).toBe(`${config}.edited`)
  expect(readFileSync(`${config}.edited`, 'utf8')).toBe('[mine]\n')
  expect(existsSync(config)).toBe(before !== undefined)
})

test('a second name never takes the place of another one', () => {
  writeFileSync(config, OLD)
  writeFileSync(`${config}.before-postern.1`, 'theirs')
  expect(keepBeside(config)).toBe(`${config}.before-postern.2`)
  expect(readFileSync(`${config}.before-postern.1`, 'utf8')).toBe('theirs')
  expect(keepBeside(join(folder, 'none'))).toBeUndefined()
})

test('the record is read as it was written, and one that others could have written is not', () => {
  const file = new ConfigTrialFile(config)
  expect(file.read()).toBeUndefined()
  file.write(trialOf({ made: ['/x'] }))
  expect(file.read()).toMatchObject({ id: 'one', made: ['/x'] })
  expect(statSync(file.path).mode & 0o777).toBe(0o640)
  writeFileSync(file.path, '{"id":"one"')
  expect(file.read()).toBeUndefined()
})

test('the guard goes, or the one before it comes back', () => {
  const run: string[] = []
  const firewall = (there: boolean) => ({
    run: (text: string) => {
      run.push(text)
      return ''
    },
    list: () => (there ? 'table inet postern {\n}\n' : undefined),
  })
  putGuardBack(trialOf({}), firewall(false))
  expect(run).toEqual([])
  putGuardBack(trialOf({}), firewall(true))
  putGuardBack(trialOf({ guard: 'table inet postern {\n}\n' }), firewall(false))
  const remove = 'add table inet postern\ndelete table inet postern\n'
  expect(run).toEqual([remove, `${remove}table inet postern {\n}\n`])
})
