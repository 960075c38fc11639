// Goal: a mark says whether a secret is the same, to anyone who has the key, and nothing to others.
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HolderMarks, MARKS_KEY_BYTES, openHolderMarks } from './holder-marks.ts'
import { MemoryDisk } from '../state/disk-fake.ts'

let folder: string
let path: string
let warned: string[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-marks-'))
  path = join(folder, 'state.key')
  warned = []
})
afterEach(() => rmSync(folder, { recursive: true }))

const open = async (): Promise<HolderMarks> => await openHolderMarks(path, ({ message }) => void warned.push(message))

test('the same secret has the same mark, and another secret has another mark', () => {
  const marks = new HolderMarks(new Uint8Array(MARKS_KEY_BYTES).fill(1))
  expect(marks.mark('sequence', '1,2')).toBe(marks.mark('sequence', '1,2'))
  const all = [
    marks.mark('sequence', '1,2'),
    marks.mark('one-time', '1,2'),
    marks.mark('sequence', '1,', '2'),
    marks.mark('sequence', '1', ',2'),
    marks.mark('sequence', '1,3'),
    new HolderMarks(new Uint8Array(MARKS_KEY_BYTES).fill(2)).mark('sequence', '1,2'),
  ]
  expect(new Set(all).size).toBe(all.length)
  for (const mark of all) expect(mark).toMatch(/^(sequence|one-time):[\w-]{6}:[\w-]{22}$/)
})

test('the key is created once, for its owner alone, and found again', async () => {
  const first = await open()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readFileSync(path)).toHaveLength(MARKS_KEY_BYTES)
  const mark = first.mark('totp', 'x')
  const second = await open()
  expect(second.mark('totp', 'x')).toBe(mark)
  expect(second.made(mark)).toBe(true)
  expect(warned).toEqual([])
})

test('marks under another key are unknown', async () => {
  const mark = (await open()).mark('totp', 'x')
  rmSync(path)
  const other = await open()
  expect(other.made(mark)).toBe(false)
  expect(other.made('hand')).toBe(false)
})

test('a key that others can read, or that cannot be created, is replaced for this run, with a warning', async () => {
  await open()
  chmodSync(path, 0o640)
  await open()
  expect(warned).toEqual([`${path}: others than its owner can read or write it (mode 0640)\nchmod 600 ${path}`])
  const disk = new MemoryDisk()
  disk.fail = () => Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' })
  rmSync(path)
  const passing = await openHolderMarks(path, ({ message }) => void warned.push(message), disk)
  expect(passing.made(passing.mark('totp', 'x'))).toBe(true)
  expect(warned.at(-1)).toBe('ENOSPC')
})

test('a key that was cut is created anew', async () => {
  writeFileSync(path, 'short', { mode: 0o600 })
  await open()
  expect(readFileSync(path)).toHaveLength(MARKS_KEY_BYTES)
})
