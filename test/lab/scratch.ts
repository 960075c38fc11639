import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

let folder: string | undefined
let files = 0

/** A path in a folder of this test process, which is removed when a test file ends. Nothing is there yet. */
export function scratch(name: string): string {
  folder ??= mkdtempSync(join(tmpdir(), 'postern-lab-'))
  return join(folder, `${++files}-${name}`)
}

/** Writes a text to a file of its own that only its owner can read, and returns the file's path. */
export function writeConfig(text: string, name = 'knockd.conf'): string {
  const file = scratch(name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

/** Removes the folder and all that is in it. */
export function removeScratch(): void {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  folder = undefined
}
