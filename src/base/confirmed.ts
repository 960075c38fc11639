import { BASE_TABLE } from '../firewall/base/ruleset.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { RecordFile } from './root-file.ts'

/** The state folder is for root only. */
const FOLDER_MODE = 0o700
/** The beginning of every base ruleset of Postern. A record of anything else is not loaded. */
const BEGINS = `add table ${BASE_TABLE}\ndelete table ${BASE_TABLE}\ntable ${BASE_TABLE} {\n`

/** The base ruleset that an operator confirmed. It is restored unchanged, or not at all. */
export interface Confirmed {
  /** The id of the confirmed trial. */
  readonly id: string
  /** The boot in which it was confirmed; `undefined`: the system does not name boots. */
  readonly boot: string | undefined
  /** The time when it took effect, in milliseconds since 1970. */
  readonly since: number
  /** The ruleset, as `nft -f` loads it. */
  readonly rules: string
  /** The config it was made from, and the ports of `--allow`, in the form of that option. */
  readonly config: string
  readonly allowed: string
  /** The ports that it leaves to the guard, written like `allowed`. */
  readonly guarded: string
  /** The doors of the config that run commands, which the operator was told about. */
  readonly commandDoors: readonly string[]
  readonly beside: boolean
  /** The text of the rules file that the machine loads when it starts; `undefined`: none. */
  readonly persist: string | undefined
  readonly replace: boolean
}

/** The file of the confirmed ruleset. */
export class ConfirmedFile extends RecordFile<Confirmed> {
  constructor(path: string) {
    super(path, FOLDER_MODE)
  }

  /** Reads the record; `undefined`: nothing was confirmed. @throws an Error if the record cannot be used */
  read(): Confirmed | undefined {
    const text = this.text()
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

  /** Reads the record; `undefined` also if it cannot be used. */
  readIfUsable(): Confirmed | undefined {
    try {
      return this.read()
    } catch {
      return undefined
    }
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
