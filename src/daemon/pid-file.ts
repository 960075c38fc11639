import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { shellWord } from '../text/shell-word.ts'
import { cannot } from '../file/file-error.ts'

/** knockd's own. */
export const PID_FILE_DEFAULT = '/var/run/knockd.pid'

/** Writes this process's id. @throws Error that says why it cannot */
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

/** Takes the file away, if it is still ours. */
export function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'latin1').trim() === String(process.pid)) rmSync(path)
  } catch {
    // Already gone, or somebody else's by now.
  }
}
