import { accessSync, closeSync, constants, readFileSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { FileError, cannot } from '../file/file-error.ts'
import { judgeFolder } from '../file/policy.ts'
import { walk } from '../file/way.ts'
import { shellWord } from '../text/shell-word.ts'
import { openPipe } from '../native/execute.ts'
import { spawn } from '../native/spawn.ts'

/** The environment variable of a daemon that runs as its `User`. Its value is the descriptor for the keeper. */
export const KEEPER = 'POSTERN_PID_KEEPER'
/** Milliseconds that the keeper has to write the file, or to remove it, and between two looks. */
const KEEPER_MAX_MS = 2_000
const LOOK_MS = 5
/**
 * Writes the file with each line of its input, and removes it at the end of the input, which is the end of the daemon. The
 * input has no say in what is written.
 */
const SCRIPT = `umask 022
while read -r _; do printf '%s\\n' "$2" >"$1"; done
[ "$(cat "$1" 2>/dev/null)" != "$2" ] || rm -f "$1"`

/**
 * Starts a shell of root's that keeps the pid file of this process, which is about to become a user's. The file stays
 * root's, in a folder of root's: root kills the process that the file names. It ends with the daemon.
 *
 * @returns the descriptor for {@link KEEPER}
 * @throws Error with the reason if the file cannot be written
 */
export function startPidKeeper(path: string): number {
  const file = resolve(path)
  const folder = dirname(file)
  try {
    const { stat, faults } = walk(folder)
    const fault = faults[0] ?? judgeFolder(folder, stat)
    if (fault !== undefined) throw new FileError(file, 'unsafe', fault.message, fault.cure)
    accessSync(folder, constants.W_OK)
  } catch (error) {
    throw cannot(`write the pid file ${path}`, error, { ENOENT: `mkdir -p ${shellWord(folder)}` })
  }
  const [from, to] = openPipe()
  spawn('/bin/sh', ['-c', SCRIPT, 'knockd', file, String(process.pid)], {
    detached: true,
    cwd: '/',
    stdio: [from, 'ignore', 'ignore'],
    env: { PATH: '/usr/bin:/bin' },
  })
  closeSync(from)
  return to
}

/** The pid file that a keeper of root's writes for this process. */
export class KeptPidFile {
  readonly #path: string
  readonly #fd: number

  constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
  }

  /** Has the file written, and waits for it. @throws Error if it is not written in time */
  async write(): Promise<void> {
    writeSync(this.#fd, '\n')
    if (!(await this.#until(() => this.#isOurs()))) throw new Error(`cannot write the pid file ${this.#path}`)
  }

  /** Has the file removed, and waits for it. Never throws. */
  async remove(): Promise<void> {
    closeSync(this.#fd)
    await this.#until(() => !this.#isOurs())
  }

  #isOurs(): boolean {
    try {
      return readFileSync(this.#path, 'latin1') === `${process.pid}\n`
    } catch {
      return false
    }
  }

  async #until(isSo: () => boolean): Promise<boolean> {
    for (const end = performance.now() + KEEPER_MAX_MS; performance.now() < end;) {
      if (isSo()) return true
      await pause(LOOK_MS)
    }
    return false
  }
}

/** Returns the keeper's descriptor, if root started one for this process. Commands do not get the variable. */
export function takeKeeper(): number | undefined {
  const fd = process.env[KEEPER]
  delete process.env[KEEPER]
  return fd === undefined ? undefined : Number(fd)
}
