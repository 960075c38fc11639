// Goal: at whatever call the process is killed, or the disk fails, each file is whole: the old one or the new one; and the
// next command works. A new file is as private as the old one, and what others could write is not read.
import {
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ownerOfSecrets } from '../../file/owner.ts'
import { SECRET } from '../../file/policy.ts'
import { tryLock } from '../../native/libc.ts'
import { claimOf, withClaims } from './claim.ts'
import type { Claim } from './claim.ts'
import { CALLS, readOriginal, realPath, replaceAll } from './replacement.ts'
import type { Calls, Replacement } from './replacement.ts'

const BOUNDS = { policy: SECRET, maxBytes: 1_000 }
const HOW = { bounds: BOUNDS, owner: () => ownerOfSecrets({ user: undefined }) }
const root = process.geteuid?.() === 0
const OTHER_GROUP = 54_321
const OTHER_USER = 54_321

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-replace-'))
  for (const name of ['a', 'b']) writeFileSync(join(folder, name), `old ${name}`, { mode: 0o600 })
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const path = (name: string): string => join(folder, name)
const text = (name: string): string => readFileSync(path(name), 'utf8')
const replacement = (name: string, claims: ReadonlyMap<string, Claim>): Replacement => {
  const original = readOriginal(path(name), BOUNDS)
  return { claim: claims.get(original.real)!, original, bytes: Buffer.from(`new ${name}`), ...HOW }
}
/** Replaces files. `meanwhile` runs after they were read. */
const replace = async (names: readonly string[], calls?: Calls, meanwhile?: () => void): Promise<readonly string[]> => {
  const paths = names.map((name) => realPath(path(name)))
  return await withClaims(paths, async (claims) => {
    const all = names.map((name) => replacement(name, claims))
    meanwhile?.()
    return await replaceAll(all, calls)
  })
}

/** The calls, with something in front of each. */
const callsWith = (before: (name: string, args: readonly unknown[]) => void): Calls => {
  const wrapped = Object.entries(CALLS).map(([name, call]) => [
    name,
    (...args: readonly unknown[]) => {
      before(name, args)
      return (call as (...all: readonly unknown[]) => unknown)(...args)
    },
  ])
  return Object.fromEntries(wrapped) as Calls
}

class Killed extends Error {}

test('a process that is killed at any call leaves whole files, and the next one replaces them', async () => {
  let calls = 0
  await replace(
    ['a', 'b'],
    callsWith(() => void calls++),
  )
  expect(calls).toBeGreaterThan(12)
  const seen = new Set<string>()
  for (let at = 0; at < calls; at++) {
    for (const name of ['a', 'b']) writeFileSync(path(name), `old ${name}`, { mode: 0o600 })
    let count = 0
    // Nothing that would come afterwards happens any more.
    const killed = callsWith(() => {
      if (count++ >= at) throw new Killed()
    })
    const claims = new Map<string, Claim>()
    for (const name of ['a', 'b']) claims.set(path(name), await claimOf(path(name)))
    const all = ['a', 'b'].map((name) => replacement(name, claims))
    await replaceAll(all, killed).catch((error: unknown) => expect(String(error)).not.toBe(''))
    // The kernel closes what the process had open.
    for (const { fd } of claims.values()) closeSync(fd)
    expect(['old a', 'new a']).toContain(text('a'))
    expect(['old b', 'new b']).toContain(text('b'))
    // The second file is never the new one without the first.
    expect(text('a') === 'old a' && text('b') === 'new b').toBe(false)
    seen.add(`${text('a')}, ${text('b')}`)
    expect(await replace(['a', 'b'])).toEqual([])
    expect([text('a'), text('b')]).toEqual(['new a', 'new b'])
    expect(readdirSync(folder).sort()).toEqual(['a', 'b'])
  }
  expect([...seen]).toEqual(['old a, old b', 'new a, old b', 'new a, new b'])
})

const failing = (name: keyof Calls, code: string, nth = 1): Calls => {
  let count = 0
  return callsWith((each) => {
    if (each === name && ++count === nth) throw Object.assign(new Error(code), { code, errno: -28 })
  })
}

describe('a call that fails leaves all as it was', () => {
  test.each<[keyof Calls, string, number]>([
    ['ftruncateSync', 'EIO', 1],
    ['writeFileSync', 'ENOSPC', 1],
    ['writeFileSync', 'ENOSPC', 2],
    ['fchmodSync', 'EPERM', 1],
    ['fsyncSync', 'EIO', 2],
    ['renameSync', 'EBUSY', 1],
    ['renameSync', 'EBUSY', 2],
  ])('%s: %s (%i)', async (name, code, nth) => {
    await expect(replace(['a', 'b'], failing(name, code, nth))).rejects.toThrow(/^cannot write /)
    expect([text('a'), text('b')]).toEqual(['old a', 'old b'])
    expect(readdirSync(folder).sort()).toEqual(['a', 'b'])
    expect(statSync(path('a')).mode & 0o777).toBe(0o600)
  })

  test('also a file that was not there', async () => {
    await expect(replace(['c', 'b'], failing('renameSync', 'EBUSY', 2))).rejects.toThrow('cannot write')
    expect(readdirSync(folder).sort()).toEqual(['a', 'b'])
  })
})

test('a folder that cannot be synced is a doubt, and no failure: the file is the new one', async () => {
  const calls = { ...CALLS, syncFolder: async () => await Promise.reject(new Error('no')) }
  expect(await replace(['a', 'b'], calls)).toEqual([expect.stringMatching(/^cannot make the change in .* safe/)])
  expect(text('a')).toBe('new a')
})

test.runIf(root)('owner, group and mode stay, also where that of new files would be another', async () => {
  chownSync(path('a'), 0, OTHER_GROUP)
  chmodSync(path('a'), 0o400)
  const before = process.umask(0o777)
  await replace(['a']).finally(() => process.umask(before))
  const { uid, gid, mode } = statSync(path('a'))
  expect([uid, gid, mode & 0o7777]).toEqual([0, OTHER_GROUP, 0o400])
})

test('a new file is for its owner alone', async () => {
  const before = process.umask(0)
  await replace(['c']).finally(() => process.umask(before))
  expect(statSync(path('c')).mode & 0o777).toBe(0o600)
})

test('a link stays, and the file that it leads to is replaced', async () => {
  mkdirSync(path('elsewhere'))
  writeFileSync(path('elsewhere/real'), 'old', { mode: 0o600 })
  symlinkSync('elsewhere/real', path('link'))
  await replace(['link'])
  expect(readlinkSync(path('link'))).toBe('elsewhere/real')
  expect(text('elsewhere/real')).toBe('new link')
  symlinkSync('nowhere', path('dangling'))
  await expect(replace(['dangling'])).rejects.toThrow('is a symbolic link to a file that is missing')
})

test('what others can read or write is refused, and so is what is no file', async () => {
  chmodSync(path('a'), 0o640)
  await expect(replace(['a'])).rejects.toThrow('others than its owner can read or write it')
  mkdirSync(path('d'))
  await expect(replace(['d'])).rejects.toThrow('is not a regular file')
  writeFileSync(path('b'), 'x'.repeat(1_001))
  await expect(replace(['b'])).rejects.toThrow('is too large')
})

test('a link in the place of the new content is not followed', async () => {
  writeFileSync(path('victim'), 'precious')
  symlinkSync('victim', path('.a.postern-new'))
  await replace(['a'])
  expect([text('victim'), text('a')]).toEqual(['precious', 'new a'])
})

test.runIf(root)(
  'another user who may create files beside it neither keeps the new content open nor hinders it',
  async () => {
    chmodSync(folder, 0o1777)
    writeFileSync(path('.a.postern-new'), '')
    chownSync(path('.a.postern-new'), OTHER_USER, OTHER_GROUP)
    const theirs = openSync(path('.a.postern-new'), 'r+')
    expect(tryLock(theirs)).toBe(true)
    await replace(['a'])
    writeSync(theirs, 'mallory', 0)
    closeSync(theirs)
    expect(text('a')).toBe('new a')
    writeFileSync(path('victim'), 'precious', { mode: 0o600 })
    linkSync(path('victim'), path('.a.postern-new'))
    await replace(['a'])
    expect([text('victim'), text('a')]).toEqual(['precious', 'new a'])
  },
)

const byHand = (name: string) => (): void => writeFileSync(path(name), 'by hand')

test('a file that an editor wrote meanwhile is not lost', async () => {
  await expect(replace(['a', 'b'], undefined, byHand('b'))).rejects.toThrow('was changed meanwhile')
  expect([text('a'), text('b')]).toEqual(['old a', 'by hand'])
  await expect(replace(['c'], undefined, byHand('c'))).rejects.toThrow('was changed meanwhile')
  expect(text('c')).toBe('by hand')
})

test('one at a time has a file, also where what an earlier one had is renamed or removed', async () => {
  let count = 0
  const one = async (index: number): Promise<void> => {
    await withClaims([path('a'), path('b')], async (claims) => {
      expect(++count).toBe(1)
      const before = readOriginal(path('a'), BOUNDS)
      await new Promise((resolve) => setTimeout(resolve, 5))
      const bytes = Buffer.concat([before.bytes, Buffer.from(` ${index}`)])
      count--
      // Every second one changes nothing.
      if (index % 2 === 0) await replaceAll([{ claim: claims.get(path('a'))!, original: before, bytes, ...HOW }])
    })
  }
  await Promise.all(Array.from({ length: 12 }, async (_, index) => await one(index)))
  expect(
    text('a')
      .split(' ')
      .slice(2)
      .map(Number)
      .sort((first, second) => first - second),
  ).toEqual([0, 2, 4, 6, 8, 10])
  expect(readdirSync(folder).sort()).toEqual(['a', 'b'])
})

test.runIf(root)('another user cannot take the lock, as the file is not theirs to open', async () => {
  chmodSync(folder, 0o755)
  await withClaims([path('a')], async (claims) => {
    expect(statSync(claims.get(path('a'))!.passing).mode & 0o777).toBe(0o600)
    await Promise.resolve()
  })
})
