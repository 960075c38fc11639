import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system in memory, where a write that is forced to the disk takes no time, and the bytes that have to be free there. */
const MEMORY = '/dev/shm'
const MEMORY_MIN_BYTES = 2 ** 30

let folder: string | undefined
let inMemory: string | undefined
let files = 0

/** A path in a folder of this test process, which is removed when a test file ends. Nothing is there yet. */
export function scratch(name: string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'postern-lab-'))
  return join(folder, `${++files}-${name}`)
}

/** The same in memory, where there is enough. */
export function memoryScratch(name: string): string {
  if (memoryFolder() !== MEMORY) return scratch(name)
  inMemory ??= mkdtempSync(join(MEMORY, 'postern-lab-'))
  return join(inMemory, `${++files}-${name}`)
}

/** The folder for files that may be in memory. */
export function memoryFolder(): string {
  const free = statfsSync(MEMORY)
  return free.bavail * free.bsize < MEMORY_MIN_BYTES ? tmpdir() : MEMORY
}

/** Writes a text to a file of its own that only its owner can read, and returns the file's path. */
export function writeConfig(text: string, name = 'knockd.conf'): string {
  const file = scratch(name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

/** Removes the folders and all that is in them. */
export function removeScratch(): void {
  for (const each of [folder, inMemory]) if (each !== undefined) rmSync(each, { recursive: true, force: true })
  folder = inMemory = undefined
}
