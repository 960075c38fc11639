import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, isAbsolute, join } from 'node:path'
import type { TotpSecret } from '../totp/code.ts'

/** Hosts and secrets that are remembered; the one used longest ago gives way. */
export const USED_CODES_MAX = 64
/** Longest file that is looked at, in bytes; any other is made anew. */
const FILE_MAX_BYTES = 8_192
/** Folders that are made where there are none: `postern`, and `.local/state` above it. */
const FOLDERS_MAX = 3
/** Characters of the hash that tells one secret at one host from another: 132 bits. */
const KEY_CHARS = 22
/** A line of the file: a key and the number of a period. */
const LINE = /^([\w-]{22}) (\d{1,15})$/

/** The period of the code that was knocked last, by secret and host. */
export interface UsedCodes {
  /** The number of that period; `undefined`: none is known. */
  last(secret: TotpSecret, host: string): number | undefined
  /** Remembers a period. What cannot be written is not remembered. */
  used(secret: TotpSecret, host: string, period: number): void
}

/** Where codes that were knocked are remembered: in the user's state folder (XDG Base Directory Specification). */
export function usedCodesPath(environment: Readonly<Record<string, string | undefined>> = process.env): string {
  const state = environment['XDG_STATE_HOME'] ?? ''
  return join(isAbsolute(state) ? state : join(homedir(), '.local', 'state'), 'postern', 'codes')
}

/** Remembers in a file which codes were knocked, so that the next run of knock waits for another. No secret is in it. */
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
      // A home that cannot be written keeps nobody from knocking.
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

/** Makes a folder, and some above it. A recursive mkdir of Node never ends below /proc. @throws the system's error */
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
