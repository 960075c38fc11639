import { BASE_TABLE } from '../firewall/base/ruleset.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { readRootFile, removeRootFile, writeRootFile } from './root-file.ts'

/** The state folder is root's alone. */
const FOLDER_MODE = 0o700
/** How every ruleset of ours begins: a record of anything else is not loaded. */
const BEGINS = `add table ${BASE_TABLE}\ndelete table ${BASE_TABLE}\ntable ${BASE_TABLE} {\n`

/** The base ruleset that an operator confirmed. It is put back as it was confirmed, or not at all. */
export interface Confirmed {
  /** Of the trial that was confirmed. */
  readonly id: string
  /** The boot in which that was; `undefined` where the system does not name them. */
  readonly boot: string | undefined
  /** When it was put in force, milliseconds since 1970. */
  readonly since: number
  /** The ruleset, as `nft -f` loads it. */
  readonly rules: string
  /** The config it was made from, and the ports named by `--allow`, as that takes them. */
  readonly config: string
  readonly allowed: string
  /** Ports that it leaves to the guard, written like `allowed`. */
  readonly guarded: string
  /** Doors of the config that run commands, of which the operator was told. */
  readonly commandDoors: readonly string[]
  readonly beside: boolean
  /** What was to be loaded when the machine starts; `undefined`: nothing. */
  readonly persist: string | undefined
  readonly replace: boolean
}

/** Where the confirmed ruleset is written down. */
export class ConfirmedFile {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** `undefined`: none was confirmed. @throws an Error if there is one that cannot be used */
  read(): Confirmed | undefined {
    const text = readRootFile(this.path)
    if (text === undefined) return undefined
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      value = undefined
    }
    if (!isConfirmed(value)) {
      throw new Error(`${this.path} cannot be read: it is damaged\n  ${REMEDIES.applyAnew()}`)
    }
    return value
  }

  /** The same, and `undefined` also where it cannot be used. */
  readIfUsable(): Confirmed | undefined {
    try {
      return this.read()
    } catch {
      return undefined
    }
  }

  /** On disk once this returns. @throws the system's error: what was there before is there still */
  write(confirmed: Confirmed): void {
    writeRootFile(this.path, JSON.stringify(confirmed), FOLDER_MODE)
  }

  /** @throws the system's error */
  remove(): void {
    removeRootFile(this.path)
  }
}

function isConfirmed(value: unknown): value is Confirmed {
  if (typeof value !== 'object' || value === null) return false
  const { id, boot, since, rules, config, allowed, guarded, commandDoors, beside, persist, replace } =
    value as Readonly<Record<string, unknown>>
  const texts = [id, rules, config, allowed, guarded]
  return (
    texts.every((text) => typeof text === 'string') &&
    [boot, persist].every((text) => text === undefined || typeof text === 'string') &&
    typeof since === 'number' &&
    Number.isFinite(since) &&
    [beside, replace].every((flag) => typeof flag === 'boolean') &&
    Array.isArray(commandDoors) &&
    commandDoors.every((name) => typeof name === 'string') &&
    (rules as string).startsWith(BEGINS)
  )
}
