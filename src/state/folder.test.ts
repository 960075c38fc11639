// Goal: nobody but the owner can change the daemon's state on its path.
import { chmodSync, fstatSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { UnsafeFolderError } from './folder.ts'
import { LockedError } from './lock.ts'
import { openStore } from './store.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-folder-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const terms = { lock: () => true, pid: 4711 }

test('folder and files are made for the owner only', async () => {
  const path = join(folder, 'a', 'b', 'state')
  const { store, faults } = await openStore(path, terms)
  await store.close()
  expect(faults).toEqual([])
  expect(statSync(join(folder, 'a')).mode & 0o777).toBe(0o700)
  expect(statSync(join(folder, 'a', 'b')).mode & 0o777).toBe(0o700)
  for (const name of [path, `${path}.lock`]) expect(statSync(name).mode & 0o777).toBe(0o600)
})

test('a folder that others can write is refused', async () => {
  const open = join(folder, 'open')
  mkdirSync(open)
  chmodSync(open, 0o770)
  await expect(openStore(join(open, 'state'), terms)).rejects.toThrow(UnsafeFolderError)
  chmodSync(open, 0o755)
  await (await openStore(join(open, 'state'), terms)).store.close()
  chmodSync(join(open, 'state'), 0o622)
  await expect(openStore(join(open, 'state'), terms)).rejects.toThrow(UnsafeFolderError)
})

test('a symbolic link in the place of the journal is refused', async () => {
  writeFileSync(join(folder, 'other'), '')
  symlinkSync(join(folder, 'other'), join(folder, 'state'))
  await expect(openStore(join(folder, 'state'), terms)).rejects.toThrow(/ELOOP/)
})

test('the second to come is told who has it, and changes nothing', async () => {
  const path = join(folder, 'state')
  const { store } = await openStore(path, terms)
  let tried = -1
  const lock = (fd: number): boolean => {
    tried = fd
    return false
  }
  const second = openStore(path, { lock, pid: 1 })
  await expect(second).rejects.toThrow(LockedError)
  await expect(second).rejects.toMatchObject({ holder: 4711, message: `${path}.lock: locked by process 4711` })
  expect(() => fstatSync(tried)).toThrow(/EBADF/)
  await store.close()
  writeFileSync(`${path}.lock`, 'no number')
  await expect(openStore(path, { lock: () => false, pid: 1 })).rejects.toMatchObject({ holder: undefined })
})

test('the lock is let go when the journal cannot be opened', async () => {
  const path = join(folder, 'state')
  mkdirSync(path)
  const taken: number[] = []
  const lock = (fd: number): boolean => {
    taken.push(fd)
    return true
  }
  await expect(openStore(path, { lock, pid: 1 })).rejects.toThrow()
  expect(() => fstatSync(taken[0]!)).toThrow(/EBADF/)
})
