import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { HERE } from '../file/platform.ts'
import type { Platform } from '../file/platform.ts'
import type { TotpSecret } from '../totp/code.ts'
import { stateFolder } from './places.ts'

/** The most hosts and secrets that are remembered. The one used longest ago is forgotten first. */
export const USED_CODES_MAX = 64
/** The longest file that is read, in bytes. A longer one is replaced. */
const FILE_MAX_BYTES = 8_192
/** The most folders that are created: `postern`, and `.local/state` above it. */
const FOLDERS_MAX = 3
/** Characters of the hash that identifies a secret at a host (132 bits). */
const KEY_CHARS = 22
/** A line of the file: a key and the number of a period. */
const LINE = /^([\w-]{22}) (\d{1,15})$/

/** The period of the last code that was knocked, by secret and host. */
export interface UsedCodes {
  /** Returns the number of that period, or `undefined` if it is unknown. */
  last(secret: TotpSecret, host: string): number | undefined
  /** Stores a period. If writing fails, the period is not remembered. */
  used(secret: TotpSecret, host: string, period: number): void
}

/** Returns the file of the knocked codes. */
export function usedCodesPath(platform: Platform = HERE): string {
  return platform.path.join(stateFolder(platform), 'codes')
}

/**
 * Stores in a file which codes were knocked, so that the next run of knock waits for another. It contains no secrets.
 */
export class UsedCodesFile implements UsedCodes {
  readonly #path: string

  constructor(path: string) {
    this.#path = path
  }

  last(secret: TotpSecret, host: string): number | undefined {
    return this.#read().get(keyOf(secret, host))
  }

  used(secret: TotpSecret, host: string, period: number): void {
    const key = keyOf(secret, host)
    const lines = [...this.#read()].filter(([other]) => other !== key)
    const kept = [...lines, [key, period] as const].slice(-USED_CODES_MAX)
    const beside = `${this.#path}.${randomBytes(6).toString('hex')}`
    try {
      makeFolder(dirname(this.#path), FOLDERS_MAX)
      writeFileSync(beside, kept.map(([each, last]) => `${each} ${last}\n`).join(''), { mode: 0o600, flag: 'wx' })
      renameSync(beside, this.#path)
    } catch {
      // Knocking works without a writable home folder.
      rmSync(beside, { force: true })
    }
  }

  #read(): ReadonlyMap<string, number> {
    const periods = new Map<string, number>()
    for (const line of this.#text().split('\n').slice(0, USED_CODES_MAX)) {
      const [, key, period] = LINE.exec(line) ?? []
      if (key !== undefined) periods.set(key, Number(period))
    }
    return periods
  }

  #text(): string {
    try {
      const text = readFileSync(this.#path, 'latin1')
      return text.length > FILE_MAX_BYTES ? '' : text
    } catch {
      return ''
    }
  }
}

/**
 * Creates a folder and its missing parents. Node's own recursive mkdir never ends below /proc.
 *
 * @throws the system's error
 */
function makeFolder(path: string, levels: number): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || levels <= 1) throw error
    makeFolder(dirname(path), levels - 1)
    mkdirSync(path, { mode: 0o700 })
  }
}

function keyOf({ key, algorithm, digits, periodS }: TotpSecret, host: string): string {
  const hash = createHash('sha256').update(`${host.toLowerCase()}\n${algorithm} ${digits} ${periodS}\n`).update(key)
  return hash.digest('base64url').slice(0, KEY_CHARS)
}
