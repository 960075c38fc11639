// Goal: a change of a file is noticed however it was made, and an unreadable file changes nothing.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LOOK_EVERY_MS, WatchedFile } from './watched-file.ts'

let folder: string
let path: string
let file: WatchedFile<string> | undefined
/** The notices, in order. */
let told: string[]
let wake: (() => void) | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-watched-'))
  path = join(folder, 'file')
  told = []
})
afterEach(() => {
  file?.close()
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

const note = (what: string): void => {
  told.push(what)
  wake?.()
}
const begin = (at: string, before?: string): WatchedFile<string> => {
  file = new WatchedFile<string>({
    path: at,
    read: () => {
      const text = readFileSync(at, 'utf8')
      if (text === 'bad') throw new Error('bad')
      return text
    },
    changed: (text) => note(`state ${text}`),
    failed: (error, kept) =>
      note(`${(error as NodeJS.ErrnoException).code ?? error.message}, ${kept ? 'kept' : 'nothing'}`),
    unwatched: () => note('unwatched'),
    before,
  })
  file.refresh()
  return file
}
const next = async (act: () => void): Promise<string | undefined> => {
  const done = new Promise<void>((resolve) => (wake = resolve))
  act()
  await done
  return told.at(-1)
}

test('the last good state counts while the file cannot be read', async () => {
  const watched = begin(path)
  expect([told, watched.state]).toEqual([['ENOENT, nothing'], undefined])
  expect(await next(() => writeFileSync(path, 'one'))).toBe('state one')
  expect(watched.failure).toBeUndefined()
  expect(await next(() => writeFileSync(path, 'bad'))).toBe('bad, kept')
  expect([watched.state, watched.failure?.message]).toEqual(['one', 'bad'])
  expect(await next(() => rmSync(path))).toBe('ENOENT, kept')
  expect(watched.state).toBe('one')
  expect(await next(() => writeFileSync(path, 'two'))).toBe('state two')
})

test('a state that was good before counts from the start', () => {
  expect(begin(path, 'old').state).toBe('old')
  expect(told).toEqual(['ENOENT, kept'])
})

test('a change behind symbolic links is noticed, of a folder or of the file', async () => {
  for (const name of ['one', 'two']) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'real'), name)
  }
  symlinkSync('one', join(folder, 'current'))
  symlinkSync(join('current', 'real'), path)
  begin(path)
  expect(told).toEqual(['state one'])
  expect(await next(() => writeFileSync(join(folder, 'one', 'real'), 'changed'))).toBe('state changed')
  symlinkSync('two', join(folder, 'current.new'))
  expect(await next(() => renameSync(join(folder, 'current.new'), join(folder, 'current')))).toBe('state two')
  expect(await next(() => writeFileSync(join(folder, 'two', 'real'), 'again'))).toBe('state again')
})

test('a folder that was replaced, or was missing, is found by looking again', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const home = join(folder, 'home')
  mkdirSync(home)
  writeFileSync(join(home, 'file'), 'one')
  begin(join(home, 'file'))
  mkdirSync(join(folder, 'other'))
  writeFileSync(join(folder, 'other', 'file'), 'two')
  renameSync(home, join(folder, 'gone'))
  renameSync(join(folder, 'other'), home)
  vi.advanceTimersByTime(LOOK_EVERY_MS)
  expect(told).toEqual(['state one', 'state two'])
  vi.advanceTimersByTime(10 * LOOK_EVERY_MS)
  expect(told).toEqual(['state one', 'state two'])
})

test('a missing folder is reported by the reading alone, and looked for', () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const absent = join(folder, 'absent')
  begin(join(absent, 'file'))
  expect(told).toEqual(['ENOENT, nothing'])
  mkdirSync(absent)
  writeFileSync(join(absent, 'file'), 'there')
  vi.advanceTimersByTime(LOOK_EVERY_MS)
  expect(told.at(-1)).toBe('state there')
  expect(told).not.toContain('unwatched')
})

test('other files are watched as well, even missing ones, and while no state is good', async () => {
  const [other, later] = [join(folder, 'far', 'other'), join(folder, 'near', 'later')]
  for (const each of [other, later]) mkdirSync(join(each, '..'))
  writeFileSync(path, 'bad')
  writeFileSync(other, 'other')
  file = new WatchedFile<string>({
    path,
    files: () => [other, later],
    read: () => {
      const text = readFileSync(path, 'utf8')
      if (text === 'bad') throw new Error('bad')
      return `${text} ${readFileSync(other, 'utf8')}`
    },
    changed: (text) => note(`state ${text}`),
    failed: (error) => note(error.message),
    unwatched: () => note('unwatched'),
  })
  file.refresh()
  expect(told).toEqual(['bad'])
  expect(await next(() => writeFileSync(later, 'later'))).toBe('bad')
  expect(await next(() => writeFileSync(path, 'good'))).toBe('state good other')
  expect(await next(() => writeFileSync(other, 'changed'))).toBe('state good changed')
  expect(await next(() => rmSync(later))).toBe('state good changed')
})
