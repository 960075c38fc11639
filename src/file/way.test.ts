// Goal: a path of Windows leads to its file, through drives, shares, links and junctions, without owners and modes.
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, posix, win32 } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FileError } from './file-error.ts'
import type { Platform } from './platform.ts'
import { SECRET } from './policy.ts'
import { readPrivateFile } from './private-file.ts'
import { walk } from './way.ts'
import type { Links } from './way.ts'

const WINDOWS: Platform = { os: 'win32', env: {}, home: 'C:\\Users\\a', username: 'a', path: win32 }

/** Properties of files on Windows as Node.js shows them: owner 0, and a mode that lets everybody write. */
const stat = (isLink: boolean): Stats =>
  ({ uid: 0, gid: 0, mode: 0o100_666, isSymbolicLink: () => isLink }) as unknown as Stats

/** A file system with these paths; the value is where a link leads. */
function tree(paths: Readonly<Record<string, string | undefined>>): Links {
  return {
    lstat: (path) => {
      if (!(path in paths)) throw Object.assign(new Error(path), { code: 'ENOENT' })
      return stat(paths[path] !== undefined)
    },
    readlink: (path) => paths[path]!,
  }
}

test.each<[string, string, Readonly<Record<string, string | undefined>>, string]>([
  [
    'a drive',
    'C:\\Users\\a\\key',
    { 'C:\\': undefined, 'C:\\Users': undefined, 'C:\\Users\\a': undefined, 'C:\\Users\\a\\key': undefined },
    'C:\\Users\\a\\key',
  ],
  ['slashes', 'C:/x/key', { 'C:\\': undefined, 'C:\\x': undefined, 'C:\\x\\key': undefined }, 'C:\\x\\key'],
  [
    'a share',
    '\\\\nas\\home\\key',
    { '\\\\nas\\home\\': undefined, '\\\\nas\\home\\key': undefined },
    '\\\\nas\\home\\key',
  ],
  [
    'a junction to another drive',
    'C:\\x\\key',
    { 'C:\\': undefined, 'C:\\x': 'D:\\y\\', 'D:\\': undefined, 'D:\\y': undefined, 'D:\\y\\key': undefined },
    'D:\\y\\key',
  ],
  [
    'a relative link',
    'C:\\x\\key',
    { 'C:\\': undefined, 'C:\\x': undefined, 'C:\\x\\key': '..\\z', 'C:\\x\\..': undefined, 'C:\\z': undefined },
    'C:\\z',
  ],
])('%s', (_, path, paths, real) => {
  expect(walk(path, WINDOWS, tree(paths))).toMatchObject({ real, faults: [] })
})

test('what is not there, and links in a circle, end', () => {
  expect(() => walk('C:\\key', WINDOWS, tree({ 'C:\\': undefined }))).toThrow('C:\\key: no such file')
  expect(() => walk('C:\\key', WINDOWS, tree({ 'C:\\': undefined, 'C:\\key': 'key' }))).toThrow(
    'too many symbolic links',
  )
})

describe('a secret', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-way-'))
  const key = join(folder, 'key')
  /** The rules of Windows over the files of this system. */
  const rules: Platform = { ...WINDOWS, path: posix }
  beforeAll(() => {
    writeFileSync(key, 'secret')
    chmodSync(key, 0o666)
    chmodSync(folder, 0o777)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('is read where modes mean nothing, and refused where they do', () => {
    expect(readPrivateFile(key, 100, SECRET, rules).toString()).toBe('secret')
    expect(() => readPrivateFile(key, 100, SECRET)).toThrow(/others than its owner can read or write it/)
  })

  test('is a file of a bounded size all the same', () => {
    expect(() => readPrivateFile(key, 3, SECRET, rules)).toThrow(/too large/)
    expect(() => readPrivateFile(folder, 100, SECRET, rules)).toThrow(/is not a regular file/)
    expect(() => readPrivateFile('/dev/zero', 100, SECRET, rules)).toThrow(FileError)
    symlinkSync(key, join(folder, 'link'))
    expect(readPrivateFile(join(folder, 'link'), 100, SECRET, rules).toString()).toBe('secret')
  })
})
