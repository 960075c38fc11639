import { createHash } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { RUN_FOLDER } from '../control/socket.ts'
import { TABLE } from '../firewall/guard/element.ts'
import { REMOVE_GUARD } from '../firewall/guard/ruleset.ts'
import { tryLock } from '../native/libc.ts'
import { readBootId } from '../state/boot-clock.ts'
import { LockedError, takeLock } from '../state/lock.ts'
import type { Lock } from '../state/lock.ts'
import { Firewall } from './firewall.ts'
import { lockSoon } from './files.ts'
import { syncFolder } from './root-file.ts'
import { TrialFile, isOver } from './trial.ts'
import type { Pending } from './trial.ts'

const RUN_MODE = 0o755
/** The number of hexadecimal digits in the name of a lock. */
const HASH_CHARS = 12

/** The program that starts the daemon. `none`: it is started by itself, and not at boot. */
export type Starter = 'systemd' | 'sysv' | 'none'

/** A config that `postern setup` put in force on trial, and the state to go back to. */
export interface ConfigTrial extends Pending {
  /** The SHA-256 of the config on trial, in hexadecimal. */
  readonly sum: string
  /** The name of the previous config; `undefined`: there was none. */
  readonly backup: string | undefined
  /** The secret files that were made for it. */
  readonly made: readonly string[]
  /** The guard's table before; `undefined`: there was none. */
  readonly guard: string | undefined
  readonly starter: Starter
  /** True if a daemon ran with the previous config. */
  readonly wasRunning: boolean
  /** The daemon's process, once it has started. */
  readonly pid: number | undefined
}

/** The trial of a config: its record, which is beside the config and survives a reboot, and the lock for changing it. */
export class ConfigTrialFile extends TrialFile<ConfigTrial> {
  readonly config: string
  readonly #lockPath: string

  constructor(config: string) {
    const file = resolve(config)
    super(`${file}.on-trial`)
    this.config = file
    this.#lockPath = join(RUN_FOLDER, `setup-${hashOf(file).slice(0, HASH_CHARS)}.lock`)
  }

  /** Takes the lock. @throws LockedError, or the system's error */
  lock(): Lock {
    mkdirSync(RUN_FOLDER, { recursive: true, mode: RUN_MODE })
    return takeLock(this.#lockPath, tryLock, process.pid)
  }

  /** Takes the lock for a command, and waits a moment for another one. @throws Error if that takes too long */
  async lockSoon(): Promise<Lock> {
    return await lockSoon(() => this.lock(), this.config)
  }
}

/** Returns the SHA-256 of a config, in hexadecimal. */
export function hashOf(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex')
}

/**
 * Gives the previous config a second name, so that going back takes a rename, which needs no space on the disk.
 *
 * @returns the name; `undefined`: there is no config
 * @throws the system's error
 */
export function keepBeside(config: string): string | undefined {
  if (!existsSync(config)) return undefined
  const taken = new Set(readdirSync(dirname(config)))
  for (let count = 1; ; count++) {
    const path = `${config}.before-postern.${count}`
    if (taken.has(basename(path))) continue
    linkSync(config, path)
    syncFolder(dirname(config))
    return path
  }
}

/**
 * Puts the previous config back, and removes the secrets of the one on trial. It can be repeated after a crash. A config
 * that somebody edited during the trial is kept under another name. @returns that name
 */
export function putConfigBack({ sum, backup, made }: ConfigTrial, config: string): string | undefined {
  const folder = dirname(config)
  let edited: string | undefined
  const isLeft = backup === undefined ? existsSync(config) : existsSync(backup)
  if (isLeft && existsSync(config) && ![sum, sumOf(backup)].includes(sumOf(config))) {
    edited = `${config}.edited`
    renameSync(config, edited)
  }
  if (backup === undefined) rmSync(config, { force: true })
  else if (existsSync(backup)) {
    renameSync(backup, config)
    // Two names of one file stay as they are (rename(2)).
    rmSync(backup, { force: true })
  }
  for (const path of made) rmSync(path, { force: true })
  syncFolder(folder)
  return edited
}

/** Removes the guard of a config on trial, or loads the one before it. The daemon has ended. @throws NftablesError */
export function putGuardBack({ guard }: ConfigTrial, firewall: Pick<Firewall, 'run' | 'list'>): void {
  if (guard !== undefined || firewall.list(TABLE) !== undefined) firewall.run(`${REMOVE_GUARD}${guard ?? ''}`)
}

/**
 * Ends a trial that was never confirmed, for a daemon that starts: after a reboot, or if all processes of the trial were
 * killed. The previous config is back then, and the guard before it.
 *
 * @returns true if a trial was ended
 * @throws NftablesError, or the system's error
 */
export function endOverdueConfig(config: string, open: () => Firewall = () => new Firewall()): boolean {
  const file = new ConfigTrialFile(config)
  const trial = file.read()
  if (trial === undefined || !isOver(trial)) return false
  let lock: Lock
  try {
    lock = file.lock()
  } catch (error) {
    // The process that holds the lock takes it back.
    if (error instanceof LockedError) return false
    throw error
  }
  try {
    putConfigBack(trial, file.config)
    // A daemon with the previous config replaces the guard itself. The guard of an earlier boot is gone.
    if (!trial.wasRunning && trial.boot === readBootId()) putGuardBack(trial, open())
    file.remove()
    return true
  } finally {
    lock.release()
  }
}

function sumOf(path: string | undefined): string | undefined {
  return path === undefined || !existsSync(path) ? undefined : hashOf(readFileSync(path))
}
