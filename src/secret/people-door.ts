import { formatSequence } from '../config/sequence.ts'
import type { UserSecret } from '../config/users.ts'
import type { UsersInForce } from '../control/message.ts'
import type { Held } from '../door/held.ts'
import { WatchedFile } from '../file/watched-file.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Refusal, SecretStatus, Verdict } from './authenticator.ts'
import { Codes } from './codes.ts'
import type { AuthenticatorDeps } from './deps.ts'
import type { DoorOf } from './door-set.ts'
import { REFUSED, refusalOf } from './gate-authenticator.ts'
import { noUser } from './vouched.ts'
import type { GateDoor } from './gate-authenticator.ts'
import { gateSequenceOf, termsOf } from './gate-sequence.ts'
import { MarksInForce } from './marks-in-force.ts'
import type { PeopleFormat, Person } from './people.ts'
import type { TotpSecret } from '../totp/code.ts'
import { SharedCodes } from './shared-codes.ts'
import { Warning } from './warning.ts'

/** The name that stands for everybody, if a door has one secret for all. */
const FOR_ALL = ''
/** Users whose codes are renewed in one step. A step takes a few milliseconds, so that knocks need not wait for all. */
const RENEWED_AT_ONCE = 100
/** The longest time between two looks at the clock, in milliseconds. The clock may be set. */
const LOOK_EVERY_MS = 30_000
/** The shortest pause between two looks, in milliseconds. */
const LOOK_MIN_MS = 10
/** Milliseconds between two notices that users have the same code. */
const CLASH_SAID_MS = 60_000

/** A user who can open the door; `name` is `undefined` if the door has one secret for all. */
interface User extends Person {
  readonly codes: Codes | undefined
  readonly fixed: GateSequence | undefined
}

/** A door whose secrets are in a file: one secret for time-based codes, or users with a secret each. */
export class PeopleDoor implements GateDoor {
  readonly #door: DoorOf<'totp' | 'users'>
  readonly #deps: AuthenticatorDeps
  readonly #isNamed: boolean
  readonly #shared: SharedCodes
  #users = new Map<string, User>()
  readonly #file: WatchedFile<readonly Person[]>
  readonly #inForce = new MarksInForce(() => (this.people ?? []).map((person) => this.#markOf(person.secret)))
  readonly #warning: Warning
  /** Cancels the next renewal of the codes. */
  #cancel = (): void => undefined
  #clashSaidAt = -Infinity
  readonly #marks = new WeakMap<UserSecret, string>()

  /** @param before the users of the same file when it was last read successfully */
  constructor(
    door: DoorOf<'totp' | 'users'>,
    deps: AuthenticatorDeps,
    { isNamed, read }: PeopleFormat,
    before: readonly Person[] | undefined,
  ) {
    this.#door = door
    this.#deps = deps
    this.#isNamed = isNamed
    const { gate, log } = deps
    const { path } = door.secret
    this.#warning = new Warning(log)
    this.#shared = new SharedCodes(gate, (users) => this.#noteClash(users))
    this.#file = new WatchedFile({
      path,
      read: () => {
        const { people, warnings } = read(door.name, path, this.people ?? [])
        this.#warn(warnings.join('\n'))
        return people
      },
      changed: (people) => this.#take(people),
      failed: (error, kept) => {
        const stays = kept ? 'keeping the previous users' : 'opens to nobody'
        this.#warn(`${door.name}: ${stays}: ${error.message}`)
        // The users of the same file when it was last read successfully.
        if (kept && this.#users.size === 0) this.#take(this.people ?? [])
      },
      unwatched: (error) => log.notice('warning', `${door.name}: ${path} is not watched: ${error.message}`),
      before,
      isReadOnce: deps.isReadOnly,
    })
    this.#file.refresh()
  }

  /** Yields every sequence that opens the door now. */
  *sequences(): Generator<GateSequence> {
    for (const { codes, fixed } of this.#users.values()) {
      if (fixed !== undefined) yield fixed
      if (codes !== undefined) yield* codes.sequences
    }
  }

  get status(): SecretStatus {
    return this.#isNamed ? { users: this.#users.size } : {}
  }

  get files(): readonly string[] {
    return [this.#door.secret.path]
  }

  /** Yields the keys under which the journal stores the used codes. */
  *keys(): Generator<string> {
    for (const { codes } of this.#users.values()) if (codes !== undefined) yield codes.key
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

  holderFor(user: string | undefined): string | { readonly refusal: string } {
    if (this.people === undefined) return { refusal: `${this.#door.secret.path} was not read yet` }
    const person = this.#isNamed ? this.people.find(({ name }) => name === user) : this.people[0]
    return person === undefined ? noUser(user) : this.#markOf(person.secret)
  }

  /**
   * Reads the file again. Users whose lines did not change keep their attempts. If the file cannot be read, all users
   * stay, so that an editing mistake locks nobody out.
   */
  refresh(): void {
    this.#file.refresh()
  }

  /** Reads the file again, and returns the users by name. */
  readUsers(): UsersInForce {
    this.refresh()
    const users = Array.from(this.#users, ([name, { codes }]) => ({ name, lastUsedMs: codes?.lastUsedMs }))
    return { file: this.#door.secret.path, fault: this.#file.failure?.message, users }
  }

  #take(people: readonly Person[]): void {
    const { gate, log, holdersChanged } = this.#deps
    this.#inForce.renew()
    const before = this.#users
    const isFirst = before.size === 0
    const after = new Map<string, User>()
    const gone: User[] = []
    const come: User[] = []
    for (const person of people) {
      const key = person.name ?? FOR_ALL
      const known = before.get(key)
      before.delete(key)
      if (known?.text === person.text) {
        after.set(key, known)
        continue
      }
      if (known !== undefined) gone.push(known)
      const user = this.#userOf(person)
      come.push(user)
      after.set(key, user)
    }
    gone.push(...before.values())
    for (const user of gone) this.#drop(user)
    for (const { fixed } of come) if (fixed !== undefined) gate.add(fixed)
    this.#users = after
    for (const { name: user } of before.values()) {
      if (user !== undefined) log.event({ kind: 'revoked', door: this.#door.name, user })
    }
    // Openings from before the first reading could not be judged until now.
    if (gone.length > 0 || isFirst) holdersChanged()
    this.#renew()
  }

  async redeem(proof: GateSequence): Promise<string | Refusal> {
    const user = this.#users.get(proof.user ?? FOR_ALL)
    // The user may have been revoked or given a new secret while this knock was under way.
    if (user === undefined) return REFUSED
    const { codes, fixed, secret } = user
    const mark = this.#markOf(secret)
    if (codes === undefined) return fixed === proof ? mark : REFUSED
    const redemption = await codes.redeem(proof)
    return redemption === 'won' ? mark : refusalOf(this.#door.name, 'code', redemption, proof.user)
  }

  /** Removes every sequence from the gate and stops watching the file. */
  close(): void {
    this.#file.close()
    this.#cancel()
    for (const user of this.#users.values()) this.#drop(user)
    this.#users = new Map()
  }

  #userOf(person: Person): User {
    const { name: user, secret } = person
    const door = this.#door
    const { code } = door.secret
    const terms = termsOf(door)
    if (secret.kind === 'totp') {
      const { ledger, store } = this.#deps
      const codes = new Codes({ door, terms, code, totp: secret.totp, user, ledger, store, shared: this.#shared })
      return { ...person, codes, fixed: undefined }
    }
    const fixed = gateSequenceOf(door, [...code.before, ...secret.knocks], { terms, user })
    return { ...person, codes: undefined, fixed }
  }

  /** A mark is an HMAC. With ten thousand users, a new version of the file computes those of new secrets alone. */
  #markOf(secret: UserSecret): string {
    const known = this.#marks.get(secret)
    if (known !== undefined) return known
    const { marks } = this.#deps
    const made =
      secret.kind === 'sequence'
        ? marks.mark('sequence', formatSequence(secret.knocks))
        : marks.mark('totp', codeText(secret.totp), secret.totp.key)
    this.#marks.set(secret, made)
    return made
  }

  #drop({ codes, fixed }: User): void {
    codes?.close()
    if (fixed !== undefined) this.#deps.gate.remove(fixed)
  }

  /** Renews all codes in several steps, and sets a timer for the next ones. */
  #renew(): void {
    this.#cancel()
    const { clock, needsChanged } = this.#deps
    const users = this.#users.values()
    let due = Infinity
    const some = (): void => {
      for (let count = 0; count < RENEWED_AT_ONCE; count++) {
        const { done, value } = users.next()
        if (done === true) {
          needsChanged()
          this.#wait(due)
          return
        }
        if (value.codes === undefined) continue
        const now = clock.now()
        value.codes.update(now)
        due = Math.min(due, value.codes.due(now))
      }
      this.#cancel = clock.after(0, some)
    }
    some()
  }

  #wait(due: number): void {
    if (due === Infinity) return
    const { clock } = this.#deps
    const wait = Math.min(Math.max(due - clock.now(), LOOK_MIN_MS), LOOK_EVERY_MS)
    this.#cancel = clock.after(wait, () => this.#renew())
  }

  #noteClash(users: readonly (string | undefined)[]): void {
    const now = this.#deps.clock.steady()
    if (now - this.#clashSaidAt < CLASH_SAID_MS) return
    this.#clashSaidAt = now
    const who = users.map((user) => user ?? 'everybody').join(' and ')
    const what = `${who} have the same code at the moment: it opens nothing`
    this.#deps.log.event({ kind: 'trouble', level: 'notice', door: this.#door.name, what })
  }

  #warn(text: string): void {
    this.#warning.set(text === '' ? undefined : { kind: 'notice', level: 'warning', text })
  }
}

function codeText({ algorithm, digits, periodS }: TotpSecret): string {
  return `${algorithm} ${digits} ${periodS}`
}
