import { join } from 'node:path'
import type { CodeTerms, Config, Door } from '../../config/config.ts'
import { USERS_FILE_MAX_BYTES, parseUsers } from '../../config/users.ts'
import type { UserSecret } from '../../config/users.ts'
import { Codes, SharedCodes } from '../../daemon/codes.ts'
import { listName } from '../../daemon/generated-door.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { secretOf, termsOf } from '../../daemon/secret.ts'
import { listFolder, statePath } from '../../daemon/state-path.ts'
import type { Gate } from '../../gate/gate.ts'
import type { Secret } from '../../gate/secret.ts'
import { OneTimeList } from '../../state/one-time.ts'
import { usedMark } from '../../state/used-mark.ts'
import { SECRET_FILE_MAX_BYTES, readSecret } from '../../totp/secret-text.ts'

interface KeptList {
  readonly door: Door
  readonly list: OneTimeList
  secret: Secret | undefined
}

/**
 * Adds the sequences of a config's doors to a gate. Lists of one-time sequences are read and never changed. Time-based
 * codes are those of the capture's time.
 */
export class Lists {
  readonly #gate: Gate
  readonly #warn: (text: string) => void
  readonly #used = new Set<string>()
  readonly #usedCodes = new Map<string, string>()
  readonly #lists = new Map<string, KeptList>()
  readonly #codes: Codes[] = []
  readonly #fixed: Secret[] = []
  #due = -Infinity

  constructor({ doors, options, file }: Config, gate: Gate, warn: (text: string) => void) {
    this.#gate = gate
    this.#warn = warn
    for (const door of doors) {
      const { secret } = door
      switch (secret.kind) {
        case 'sequence':
          this.#fix(secretOf(door, secret.knocks))
          break
        case 'one-time':
          this.#list(door, secret.path)
          break
        case 'generated':
          this.#list(door, join(listFolder(statePath(options.stateDir, file, [])), listName(door.name)))
          break
        case 'totp':
        case 'users':
          this.#people(door, secret.path, secret.code)
          break
        case 'spa':
          warn(`${door.name}: opens to single packets, which are not replayed: they have expired`)
      }
    }
  }

  /** Yields every sequence that opens a door at the moment. */
  *secrets(): Generator<Secret> {
    yield* this.#fixed
    for (const { secret } of this.#lists.values()) if (secret !== undefined) yield secret
    for (const codes of this.#codes) yield* codes.secrets
  }

  /** Takes the codes that are valid at `time`, milliseconds since 1970. Returns true if the codes may have changed. */
  update(time: number): boolean {
    if (time < this.#due || this.#codes.length === 0) return false
    this.#due = Infinity
    for (const codes of this.#codes) {
      codes.update(time)
      this.#due = Math.min(this.#due, codes.due(time))
    }
    return true
  }

  /** Marks a one-time sequence or code as used. */
  used(secret: Secret): void {
    if (this.#lists.has(secret.door)) {
      this.#used.add(`${secret.door}\n${usedMark(secret.door, secret.knocks)}`)
      this.#next(secret.door)
    } else void this.#codes.find((codes) => codes.has(secret))?.strike(secret)
  }

  #fix(secret: Secret): void {
    this.#fixed.push(secret)
    this.#gate.add(secret)
  }

  #list(door: Door, path: string): void {
    const store = {
      used: async (): Promise<boolean> => await Promise.resolve(false),
      wasUsed: (name: string, mark: string): boolean => this.#used.has(`${name}\n${mark}`),
    }
    this.#lists.set(door.name, { door, list: new OneTimeList(door.name, path, store), secret: undefined })
    this.#next(door.name)
  }

  #people(door: Door, path: string, code: CodeTerms): void {
    const terms = termsOf(door)
    const shared = new SharedCodes(this.#gate, () => undefined)
    try {
      for (const { name: user, secret } of peopleIn(door, path)) {
        if (secret.kind === 'totp') {
          const store = { newest: (key: string) => this.#usedCodes.get(key), advance: this.#advance, loss: undefined }
          this.#codes.push(new Codes({ door, terms, code, totp: secret.totp, user, gate: this.#gate, store, shared }))
        } else
          this.#fix(
            secretOf(door, [...code.before, ...secret.knocks], { terms, ...(user === undefined ? {} : { user }) }),
          )
      }
    } catch (error) {
      this.#warn(`${door.name}: opens to nobody: ${path}: ${(error as Error).message}`)
    }
  }

  readonly #advance = async (
    key: string,
    value: string,
    accepts: (present: string | undefined) => boolean,
  ): Promise<boolean> => {
    const accepted = accepts(this.#usedCodes.get(key))
    if (accepted) this.#usedCodes.set(key, value)
    return await Promise.resolve(accepted)
  }

  #next(name: string): void {
    const kept = this.#lists.get(name)!
    kept.secret = undefined
    try {
      const { next } = kept.list.read()
      if (next === undefined) {
        this.#warn(`${name}: no sequence is left in its list`)
        return
      }
      kept.secret = secretOf(kept.door, next, { once: true })
      this.#gate.add(kept.secret)
    } catch (error) {
      this.#warn(`${name}: opens to nobody: ${(error as Error).message}`)
    }
  }
}

/** Returns the users of a door whose secrets are in a file. @throws Error with the fault of the file */
function peopleIn(
  { secret }: Door,
  path: string,
): readonly { readonly name: string | undefined; readonly secret: UserSecret }[] {
  if (secret.kind === 'users') return parseUsers(readPrivateText(path, USERS_FILE_MAX_BYTES, SECRET)).users
  const read = readSecret(readPrivateText(path, SECRET_FILE_MAX_BYTES, SECRET))
  if ('message' in read) throw new Error(read.message)
  return [{ name: undefined, secret: { kind: 'totp', totp: read.value } }]
}
