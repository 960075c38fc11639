import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { shellWord } from '../text/shell-word.ts'
import { cannot } from '../file/file-error.ts'

/** knockd's default. */
export const PID_FILE_DEFAULT = '/var/run/knockd.pid'

/** Writes this process's id. @throws Error with the reason and a hint */
export function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (error) {
    throw cannot(`write the pid file ${path}`, error, {
      EACCES: 'run knockd as root, or name another file: -p FILE',
      ENOENT: `mkdir -p ${shellWord(dirname(path))}`,
    })
  }
}

/** Removes the file if it still contains this process's id. */
export function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'latin1').trim() === String(process.pid)) rmSync(path)
  } catch {
    // The file is already gone.
  }
}
