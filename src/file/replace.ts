import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { cannot } from './file-error.ts'

/** Replaces a file in one step, so that no reader sees a part of it. @throws Error with the reason */
export function replaceFile(path: string, text: string | Uint8Array, mode: number): void {
  // The name does not end as the file's own: node_exporter reads all files with .prom.
  const fresh = `${path}.${process.pid}.new`
  try {
    // One that was left behind by a process of this number.
    rmSync(fresh, { force: true })
    const fd = openSync(fresh, 'wx', mode)
    try {
      fchmodSync(fd, mode)
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(fresh, path)
  } catch (error) {
    rmSync(fresh, { force: true })
    throw cannot(`write ${path}`, error, { ENOENT: 'make its folder first' })
  }
}
