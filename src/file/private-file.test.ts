// Goal: a file that others could have written is never used, whatever lets them write it. Each refusal has a command
// that fixes it, and the command works.
import { execFileSync, execSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lchownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileError } from './file-error.ts'
import { CLASSIC, PUBLIC, SECRET } from './policy.ts'
import type { FilePolicy } from './policy.ts'
import { inspectFile, readPrivateFile, readPrivateText } from './private-file.ts'

/** The user nobody on nearly every system. */
const OTHER = 65_534
const root = process.geteuid?.() === 0

let folder: string
let path: string
/** A group that is not in group(5), so its members are unknown. */
const UNKNOWN_GROUP = 54_321

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-private-'))
  path = join(folder, 'secret')
  writeFileSync(path, 'text', { mode: 0o600 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const read = (policy: FilePolicy = SECRET, from = path): string => readPrivateText(from, 100, policy)
const refusal = (policy: FilePolicy = SECRET, from = path): FileError => {
  try {
    read(policy, from)
  } catch (error) {
    expect(error).toBeInstanceOf(FileError)
    return error as FileError
  }
  throw new Error('it was read')
}

describe('the file', () => {
  test.each([
    [SECRET, [0o600, 0o400, 0o700], [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o666]],
    [CLASSIC, [0o600, 0o644, 0o444, 0o640], [0o606, 0o666, 0o622]],
    [PUBLIC, [0o600, 0o644, 0o755], [0o646, 0o666, 0o777]],
  ] as const)('its mode', (policy, good, bad) => {
    for (const mode of good) {
      chmodSync(path, mode)
      expect(read(policy)).toBe('text')
    }
    for (const mode of bad) {
      chmodSync(path, mode)
      const { message, hint } = refusal(policy)
      expect(message).toMatch(
        new RegExp(`^${path}: others than its owner can .* \\(mode 0${mode.toString(8)}\\)\\nchmod `),
      )
      execSync(hint!)
      expect(read(policy)).toBe('text')
    }
  })

  test.runIf(root)('a group with no other member is safe for a file, but a secret is for its owner alone', () => {
    for (const policy of [CLASSIC, PUBLIC]) {
      chmodSync(path, 0o664)
      chownSync(path, 0, 0)
      expect(read(policy)).toBe('text')
      chownSync(path, 0, UNKNOWN_GROUP)
      expect(refusal(policy).fault).toBe('others than its owner can change it (mode 0664)')
    }
    chownSync(path, 0, 0)
    chmodSync(path, 0o660)
    expect(refusal().fault).toBe('others than its owner can read or write it (mode 0660)')
  })

  test.runIf(root)('a file of another owner is refused', () => {
    chownSync(path, OTHER, 0)
    for (const policy of [SECRET, CLASSIC, PUBLIC]) {
      expect(refusal(policy).fault).toBe(`belongs to another user (uid ${OTHER})`)
    }
    execSync(refusal().hint!)
    expect(read()).toBe('text')
  })

  test('a path with characters of the shell is quoted in the command', () => {
    const odd = join(folder, "a $(touch b) 'c'")
    writeFileSync(odd, 'odd', { mode: 0o666 })
    chmodSync(odd, 0o666)
    execSync(refusal(SECRET, odd).hint!, { cwd: folder })
    expect(read(SECRET, odd)).toBe('odd')
    expect(() => read(SECRET, join(folder, 'b'))).toThrow('no such file')
  })

  test('a caller who asks gets every fault of the file, and its text', () => {
    chmodSync(path, 0o666)
    chmodSync(folder, 0o777)
    const { mode, content, faults } = inspectFile(path, 100, SECRET)
    expect([mode, content.toString(), faults.map(({ cure }) => cure)]).toEqual([
      0o666,
      'text',
      [`chmod 600 ${path}`, `chmod go-w ${folder}`],
    ])
  })
})

describe('the path to it', () => {
  test('a folder that others can write is refused, however far up', () => {
    const deep = join(folder, 'a', 'b', 'c')
    mkdirSync(deep, { recursive: true })
    const file = join(deep, 'secret')
    renameSync(path, file)
    for (const mode of [0o777, 0o757]) {
      chmodSync(join(folder, 'a'), mode)
      const { hint } = refusal(PUBLIC, file)
      expect(hint).toBe(`chmod go-w ${join(folder, 'a')}`)
      execSync(hint!)
      expect(read(PUBLIC, file)).toBe('text')
    }
  })

  test.runIf(root)('a group with another member counts as others; a group without one does not', () => {
    chownSync(folder, 0, OTHER)
    chmodSync(folder, 0o770)
    expect(refusal().hint).toBe(`chmod go-w ${folder}`)
    chownSync(folder, 0, 0)
    expect(read()).toBe('text')
  })

  test.runIf(root)('in a sticky folder only the owners of the folder and of the file can replace the file', () => {
    chmodSync(folder, 0o1777)
    expect(read()).toBe('text')
    chownSync(folder, OTHER, 0)
    const { fault, hint } = refusal()
    expect(fault).toBe(`its folder ${folder} belongs to another user (uid ${OTHER}), who can replace it`)
    expect(hint).toBe('move it to a folder that root owns, and use the new path')
    chownSync(folder, 0, 0)
    chownSync(path, OTHER, 0)
    expect(refusal().reason).toBe('unsafe')
  })

  test.runIf(root)("a symbolic link is followed if it is root's, and leads to where only root can write", () => {
    const link = join(folder, 'link')
    symlinkSync('secret', link)
    expect(read(SECRET, link)).toBe('text')
    const folders = join(folder, 'folders')
    symlinkSync('.', folders)
    expect(read(SECRET, join(folders, 'link'))).toBe('text')
    lchownSync(folders, OTHER, 0)
    expect(refusal(SECRET, join(folders, 'link')).hint).toBe(`chown -h root ${folders}`)
    lchownSync(folders, 0, 0)
    const open = join(folder, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    symlinkSync('open/../secret', join(folder, 'over'))
    expect(refusal(SECRET, join(folder, 'over')).hint).toBe(`chmod go-w ${open}`)
  })

  test.runIf(root)("a hard link to root's file in another user's folder does not make the path safe", () => {
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs)
    chownSync(theirs, OTHER, OTHER)
    linkSync(path, join(theirs, 'secret'))
    expect(refusal(SECRET, join(theirs, 'secret')).reason).toBe('unsafe')
  })

  test('links in a circle are refused', () => {
    symlinkSync('b', join(folder, 'a'))
    symlinkSync('a', join(folder, 'b'))
    expect(refusal(SECRET, join(folder, 'a')).message).toBe(`${join(folder, 'a')}: too many symbolic links`)
  })
})

describe('not a regular file', () => {
  test('a pipe is not waited for, and a device not opened', () => {
    const pipe = join(folder, 'pipe')
    execFileSync('mkfifo', ['-m', '600', pipe])
    for (const each of [pipe, folder, '/dev/zero', '/dev/null']) {
      expect(refusal(SECRET, each).message).toBe(`${each}: is not a regular file`)
    }
    expect(refusal(SECRET, join(folder, 'none')).message).toBe(`${join(folder, 'none')}: no such file`)
    expect(refusal(SECRET, join(path, 'below')).message).toBe(`${join(path, 'below')}: no such file`)
  })

  test('a file is read up to the bound', () => {
    writeFileSync(path, 'x'.repeat(100))
    expect(readPrivateFile(path, 100, SECRET)).toHaveLength(100)
    expect(() => readPrivateFile(path, 99, SECRET)).toThrow(`${path}: is too large\nat most 99 bytes`)
    // Its size is reported as zero.
    expect(() => readPrivateFile('/proc/self/mountinfo', 10, PUBLIC)).toThrow('is too large')
  })
})
