// Goal: an edited file is noticed however the editor writes it, and only that file.
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watch } from './watch.ts'
import type { Watch } from './watch.ts'

let folder: string
let path: string
let watcher: Watch
let changes: number
let changed: () => void
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-watch-'))
  path = join(folder, 'sequences')
  changes = 0
  watcher = watch(
    path,
    () => {
      changes++
      changed()
    },
    (error) => {
      throw error
    },
  )
})
afterEach(() => {
  watcher.close()
  rmSync(folder, { recursive: true })
})

/** Resolves when the next change is told. */
function change(): Promise<void> {
  return new Promise((resolve) => (changed = resolve))
}

test('made, written, replaced, taken away: each is told, once', async () => {
  let told = change()
  writeFileSync(path, 'a')
  appendFileSync(path, 'b')
  await told
  told = change()
  appendFileSync(path, 'c')
  await told
  told = change()
  writeFileSync(join(folder, 'other'), 'd')
  renameSync(join(folder, 'other'), path)
  await told
  told = change()
  rmSync(path)
  await told
  expect(changes).toBe(4)
})

test('other files in the folder are none of ours', async () => {
  // The watch under test is the older one: it would have been told first.
  let other: Watch | undefined
  const told = new Promise<void>((resolve) => {
    other = watch(`${path}.other`, resolve, () => {})
  })
  writeFileSync(`${path}.other`, 'x')
  await told
  other?.close()
  expect(changes).toBe(0)
})

test('a folder that is not there is an error at once', () => {
  const absent = join(folder, 'absent', 'sequences')
  expect(() => watch(absent, changed, () => {})).toThrow(/ENOENT/)
})
