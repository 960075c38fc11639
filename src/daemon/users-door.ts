import type { CodeTerms, Door } from '../config/config.ts'
import { formatFault } from '../text/fault.ts'
import { USERS_FILE_MAX_BYTES, parseUsers } from '../config/users.ts'
import type { UserSecret } from '../config/users.ts'
import { formatSequence } from '../config/sequence.ts'
import type { Held } from '../door/held.ts'
import type { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import type { HolderMarks } from '../state/holder-marks.ts'
import type { Store } from '../state/store.ts'
import { SECRET } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { WatchedFile } from '../file/watched-file.ts'
import { SECRET_FILE_MAX_BYTES, readSecret } from '../totp/secret-text.ts'
import { Codes, SharedCodes } from './codes.ts'
import { secretOf, termsOf } from './secret.ts'
import { MarksInForce } from './verdict.ts'
import type { HolderJudge, Verdict } from './verdict.ts'

/** Users whose codes are renewed in one step. A step takes a few milliseconds, so that knocks need not wait for all. */
const RENEWED_AT_ONCE = 100
/** The longest time between two looks at the clock, in milliseconds. The clock may be set. */
const LOOK_EVERY_MS = 30_000
/** The shortest pause between two looks, in milliseconds. */
const LOOK_MIN_MS = 10
/** The most errors of a file that are logged at a time. */
const FAULTS_SAID_MAX = 5
/** Milliseconds between two notices that users have the same code. */
const CLASH_SAID_MS = 60_000

/** The dependencies of a door whose secrets are in a file. */
export interface UsersDoorTerms {
  readonly door: Door
  readonly path: string
  readonly code: CodeTerms
  readonly gate: Gate
  readonly store: Store
  readonly say: (level: 'notice' | 'warning' | 'error', text: string) => void
  /** Called when the door's sequences in the gate have changed, which the kernel's filter may need to know. */
  readonly changed: () => void
  /** Called when a user was removed from the file or has another secret. */
  readonly holdersChanged: () => void
  readonly marks: HolderMarks
  /** The users of the same file when it was last read successfully. */
  readonly before?: readonly Person[] | undefined
}

/** A user who can open the door; `name` is `undefined` if the door has one secret for all. */
interface Holder {
  readonly name: string | undefined
  readonly text: string
  readonly codes: Codes | undefined
  readonly fixed: Secret | undefined
  readonly secret: UserSecret
}

/** An entry of the file; `name` is `undefined` if the door has one secret for all. */
export type Person = { readonly name: string | undefined; readonly text: string; readonly secret: UserSecret }

/** A door whose secrets are in a file: one secret for time-based codes, or users with a secret each. */
export class UsersDoor implements HolderJudge {
  readonly #of: UsersDoorTerms
  readonly #shared: SharedCodes
  #holders = new Map<string, Holder>()
  readonly #file: WatchedFile<readonly Person[]>
  readonly #inForce = new MarksInForce(() => (this.people ?? []).map((person) => this.#markOf(person.secret)))
  #timer: NodeJS.Timeout | undefined
  #renewing: NodeJS.Immediate | undefined
  #said = ''
  #clashSaidAt = -Infinity

  constructor(of: UsersDoorTerms) {
    this.#of = of
    const { door, path, gate, say, before } = of
    this.#shared = new SharedCodes(gate, (users) => this.#noteClash(users))
    this.#file = new WatchedFile({
      path,
      read: () => this.#read(),
      changed: (people) => this.#take(people),
      failed: (error, kept) => {
        const stays = kept ? 'keeping the previous users' : 'opens to nobody'
        this.#warn(`${door.name}: ${stays}: ${error.message}`)
        // The users of the same file when it was last read successfully.
        if (kept && this.#holders.size === 0) this.#take(this.people ?? [])
      },
      unwatched: (error) => say('warning', `${door.name}: ${path} is not watched: ${error.message}`),
      before,
    })
  }

  /** Yields every sequence that opens the door now. */
  *secrets(): Generator<Secret> {
    for (const { codes, fixed } of this.#holders.values()) {
      if (fixed !== undefined) yield fixed
      if (codes !== undefined) yield* codes.secrets
    }
  }

  /** The number of users, or `undefined` if the door has one secret for all. */
  get users(): number | undefined {
    return this.#of.door.secret.kind === 'users' ? this.#holders.size : undefined
  }

  /** Yields the keys under which the journal stores the used codes. */
  *keys(): Generator<string> {
    for (const { codes } of this.#holders.values()) if (codes !== undefined) yield codes.key
  }

  /** The entries of the file when it was last read successfully, or `undefined` if it never was. */
  get people(): readonly Person[] | undefined {
    return this.#file.state
  }

  /** Lets a holder keep the door if the secret that opened it is still in the file. */
  mayHold({ holder, user }: Held): Verdict {
    if (this.people === undefined) return 'unknown'
    if (holder !== undefined) return this.#inForce.judge(holder)
    if (user === undefined) return 'unknown'
    return this.people.some(({ name }) => name === user) ? 'may' : 'may not'
  }

  /**
   * Reads the file again. Users whose lines did not change keep their attempts. If the file cannot be read, all users
   * stay, so that an editing mistake locks nobody out.
   */
  refresh(): void {
    this.#file.refresh()
  }

  #take(people: readonly Person[]): void {
    const { door, say, holdersChanged } = this.#of
    this.#inForce.renew()
    const before = this.#holders
    const isFirst = before.size === 0
    const after = new Map<string, Holder>()
    const gone: Holder[] = []
    const come: Holder[] = []
    for (const person of people) {
      const key = person.name ?? ''
      const known = before.get(key)
      before.delete(key)
      if (known?.text === person.text) {
        after.set(key, known)
        continue
      }
      if (known !== undefined) gone.push(known)
      const holder = this.#holder(person)
      come.push(holder)
      after.set(key, holder)
    }
    gone.push(...before.values())
    for (const holder of gone) this.#drop(holder)
    for (const { fixed } of come) if (fixed !== undefined) this.#of.gate.add(fixed)
    this.#holders = after
    for (const { name } of before.values()) {
      if (name === undefined) continue
      say('notice', `${door.name}: access of ${name} revoked`)
    }
    // Openings from before the first reading could not be judged until now.
    if (gone.length > 0 || isFirst) holdersChanged()
    this.#renew()
  }

  /**
   * Redeems a secret. A one-time secret is first marked as used.
   *
   * @returns the mark of the new holder if the use is durable, or `undefined` if the door stays shut
   */
  async redeem(secret: Secret): Promise<string | undefined> {
    const { door, say } = this.#of
    const holder = this.#holders.get(secret.user ?? '')
    // The user may have been revoked or given a new secret while this knock was under way.
    if (holder === undefined) return undefined
    const { codes, fixed } = holder
    const mark = this.#markOf(holder.secret)
    if (codes === undefined) return fixed === secret ? mark : undefined
    try {
      if (await codes.strike(secret)) return mark
      say('warning', `${door.name}: this code was used before${forUser(secret.user)}`)
    } catch (error) {
      say('error', `${door.name}: stays shut, cannot mark its code as used: ${(error as Error).message}`)
    }
    return undefined
  }

  /** Removes every sequence from the gate and stops watching the file. */
  close(): void {
    this.#file.close()
    clearTimeout(this.#timer)
    clearImmediate(this.#renewing)
    for (const holder of this.#holders.values()) this.#drop(holder)
    this.#holders = new Map()
  }

  #read(): readonly Person[] {
    const { door, path } = this.#of
    if (door.secret.kind !== 'users') {
      const text = readPrivateText(path, SECRET_FILE_MAX_BYTES, SECRET)
      const read = readSecret(text)
      if ('message' in read)
        throw new Error(`${path}: ${read.message}${read.hint === undefined ? '' : `\n${read.hint}`}`)
      this.#said = ''
      return [{ name: undefined, text, secret: { kind: 'totp', totp: read.value } }]
    }
    const { users, faults, unread } = parseUsers(readPrivateText(path, USERS_FILE_MAX_BYTES, SECRET))
    // A user whose line cannot be read keeps the previous line.
    const named = new Set(users.map(({ name }) => name))
    const kept = (this.people ?? []).filter(({ name = '' }) => unread.has(name) && !named.has(name))
    const people = [...users, ...kept]
    const told = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(path, fault))
    if (faults.length > told.length) told.push(`${path}: ${faults.length - told.length} more errors: run postern check`)
    if (kept.length > 0)
      told.push(
        `${door.name}: keeping the previous lines of ${kept
          .map(({ name }) => name)
          .slice(0, FAULTS_SAID_MAX)
          .join(', ')}`,
      )
    if (people.length === 0) told.push(`${door.name}: opens to nobody: no users in ${path}`)
    if (told.length === 0) this.#said = ''
    else this.#warn(told.join('\n'))
    return people
  }

  #holder({ name, text, secret }: Person): Holder {
    const { door, gate, store, code } = this.#of
    const terms = termsOf(door)
    if (secret.kind === 'totp') {
      const codes = new Codes({ door, terms, code, totp: secret.totp, user: name, gate, store, shared: this.#shared })
      return { name, text, codes, fixed: undefined, secret }
    }
    const knocks = [...code.before, ...secret.knocks]
    return {
      name,
      text,
      codes: undefined,
      secret,
      fixed: secretOf(door, knocks, { terms, ...(name === undefined ? {} : { user: name }) }),
    }
  }

  #markOf(secret: UserSecret): string {
    const { marks } = this.#of
    if (secret.kind === 'sequence') return marks.mark('sequence', formatSequence(secret.knocks))
    const { key, algorithm, digits, periodS } = secret.totp
    return marks.mark('totp', `${algorithm} ${digits} ${periodS}`, key)
  }

  #drop({ codes, fixed }: Holder): void {
    codes?.close()
    if (fixed !== undefined) this.#of.gate.remove(fixed)
  }

  /** Renews all codes in several steps, and sets a timer for the next ones. */
  #renew(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#renewing)
    const holders = this.#holders.values()
    let due = Infinity
    const some = (): void => {
      for (let count = 0; count < RENEWED_AT_ONCE; count++) {
        const { done, value } = holders.next()
        if (done === true) {
          this.#of.changed()
          this.#wait(due)
          return
        }
        if (value.codes === undefined) continue
        const now = Date.now()
        value.codes.update(now)
        due = Math.min(due, value.codes.due(now))
      }
      this.#renewing = setImmediate(some)
    }
    some()
  }

  #wait(due: number): void {
    if (due === Infinity) return
    const wait = Math.min(Math.max(due - Date.now(), LOOK_MIN_MS), LOOK_EVERY_MS)
    this.#timer = setTimeout(() => this.#renew(), wait).unref()
  }

  #noteClash(users: readonly (string | undefined)[]): void {
    const now = performance.now()
    if (now - this.#clashSaidAt < CLASH_SAID_MS) return
    this.#clashSaidAt = now
    const who = users.map((user) => user ?? 'everybody').join(' and ')
    this.#of.say('notice', `${this.#of.door.name}: ${who} have the same code at the moment: it opens nothing`)
  }

  /** Logs a warning once, however often the file is read. */
  #warn(text: string): void {
    if (this.#said === text) return
    this.#said = text
    this.#of.say('warning', text)
  }
}

function forUser(user: string | undefined): string {
  return user === undefined ? '' : `, ${user}'s`
}
