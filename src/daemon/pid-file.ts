import { rmSync, writeFileSync, readFileSync } from 'node:fs'

/** knockd's own. */
export const PID_FILE_DEFAULT = '/var/run/knockd.pid'

/** Writes this process's id. @throws the system's error */
export function writePidFile(path: string): void {
  writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
}

/** Takes the file away, if it is still ours. */
export function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'latin1').trim() === String(process.pid)) rmSync(path)
  } catch {
    // Already gone, or somebody else's by now.
  }
}
