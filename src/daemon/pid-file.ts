import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { shellWord } from '../text/shell-word.ts'
import type { Options } from '../config/config.ts'
import { cannot } from '../file/file-error.ts'
import type { Arguments } from './arguments.ts'
import { KeptPidFile, takeKeeper } from './pid-keeper.ts'

/** knockd's default. */
export const PID_FILE_DEFAULT = '/var/run/knockd.pid'

/** Returns the pid file of a daemon in the background. The config goes before the command line, as in knockd. */
export function pidFileOf({ pidFile }: Pick<Arguments, 'pidFile'>, options: Pick<Options, 'pidFile'>): string {
  return options.pidFile ?? pidFile ?? PID_FILE_DEFAULT
}

/** @throws Error with the reason and a hint */
function writePidFile(path: string): void {
  try {
    writeFileSync(path, `${process.pid}\n`, { mode: 0o644 })
  } catch (error) {
    throw cannot(`write the pid file ${path}`, error, {
      EACCES: 'run knockd as root, or name another file: -p FILE',
      ENOENT: `mkdir -p ${shellWord(dirname(path))}`,
    })
  }
}

function removePidFile(path: string): void {
  try {
    if (readFileSync(path, 'latin1').trim() === String(process.pid)) rmSync(path)
  } catch {
    // The file is already gone.
  }
}

/** The pid file of a daemon in the background. */
export interface PidFile {
  /** Writes this process's id. @throws Error with the reason (as a rejection) */
  write(): Promise<void>
  /** Removes the file if it still has this process's id. Never rejects. */
  remove(): Promise<void>
}

/** Returns the daemon's pid file: one that a keeper of root's writes, if this process runs as the config's `User`. */
export function openPidFile(args: Pick<Arguments, 'pidFile'>, options: Pick<Options, 'pidFile'>): PidFile {
  const path = pidFileOf(args, options)
  const keeper = takeKeeper()
  if (keeper !== undefined) return new KeptPidFile(path, keeper)
  return {
    async write() {
      await Promise.resolve(writePidFile(path))
    },
    async remove() {
      await Promise.resolve(removePidFile(path))
    },
  }
}
