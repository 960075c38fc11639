import { createHash } from 'node:crypto'
import type { CodeTerms, Door } from '../config/config.ts'
import type { Gate } from '../gate/gate.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Terms } from '../gate/terms.ts'
import type { Store } from '../state/store.ts'
import { formatUsed, isUnused, parseUsed, withUsed } from '../state/used-periods.ts'
import type { UsedPeriods } from '../state/used-periods.ts'
import { codeOf, periodAt } from '../totp/code.ts'
import type { TotpSecret } from '../totp/code.ts'
import { knocksOfCode } from '../totp/ports.ts'
import { secretOf } from './secret.ts'

/** Milliseconds for which a code is accepted before its period. The timer that adds the code may be late. */
export const LEAD_MS = 2_000
/** Milliseconds for which a code is accepted after its period, because knocks take time to arrive. */
export const TAIL_MS = 2_000
/** Characters of the hash that distinguishes the used codes of different secrets (132 bits). */
const PRINT_CHARS = 22

/** The dependencies of the codes of one secret. */
export interface CodesTerms {
  readonly door: Door
  /** The door's conditions on its knocks. */
  readonly terms: Terms
  readonly code: CodeTerms
  readonly totp: TotpSecret
  readonly user: string | undefined
  readonly gate: Pick<Gate, 'add' | 'remove'>
  readonly store: Pick<Store, 'newest' | 'advance' | 'loss'>
  /** The gate's codes for this door, of all users. */
  readonly shared: SharedCodes
}

/** The time-based codes of one secret that are valid now, as sequences of the gate. */
export class Codes {
  readonly #of: CodesTerms
  readonly #key: string
  /** The sequences by the number of their period. */
  readonly #live = new Map<number, GateSequence>()

  constructor(of: CodesTerms) {
    this.#of = of
    this.#key = usedCodesKey(of.totp)
  }

  /** The sequences that open the door now. */
  get secrets(): Iterable<GateSequence> {
    return this.#live.values()
  }

  /** The key under which the journal stores the used codes. */
  get key(): string {
    return this.#key
  }

  /** Adds the codes that are valid at `now` (milliseconds since 1970) to the gate, and removes the expired ones. */
  update(now: number): void {
    const { door, terms, code, totp, user, shared } = this.#of
    const first = periodAt(totp, now - TAIL_MS) - code.skew
    const last = periodAt(totp, now + LEAD_MS) + code.skew
    for (const [period, secret] of this.#live) {
      if (period >= first && period <= last) continue
      this.#live.delete(period)
      shared.remove(secret)
    }
    const used = this.#used
    for (let period = Math.max(0, first); period <= last; period++) {
      if (this.#live.has(period) || !isUnused(used, period)) continue
      const knocks = [...code.before, ...knocksOfCode(codeOf(totp, period))]
      const how = { terms, once: true, code: code.before.length }
      const secret = secretOf(door, knocks, { ...how, ...(user === undefined ? {} : { user }) })
      this.#live.set(period, secret)
      shared.add(secret)
    }
  }

  /** Returns the next time at which {@link update} has work, in milliseconds since 1970. */
  due(now: number): number {
    const periodMs = this.#of.totp.periodS * 1000
    const begins = (Math.floor((now + LEAD_MS) / periodMs) + 1) * periodMs - LEAD_MS
    const ends = (Math.floor((now - TAIL_MS) / periodMs) + 1) * periodMs + TAIL_MS
    return Math.min(begins, ends)
  }

  /** Returns true if the secret is one of these codes. */
  has(secret: GateSequence): boolean {
    return this.#periodOf(secret) !== undefined
  }

  /**
   * Marks a code as used. The gate no longer has the code at this point.
   *
   * @returns true if the mark is durable, so the door may open; false if the code was used before
   * @throws JournalError or StoreError if the mark cannot be made durable
   */
  async strike(secret: GateSequence): Promise<boolean> {
    const period = this.#periodOf(secret)
    if (period === undefined) return false
    this.#live.delete(period)
    this.#of.shared.remove(secret)
    const after = formatUsed(withUsed(this.#used, period))
    return await this.#of.store.advance(this.#key, after, (present) =>
      isUnused(parseUsed(present, this.#of.totp.periodS), period),
    )
  }

  /** Removes every code from the gate. */
  close(): void {
    for (const secret of this.#live.values()) this.#of.shared.remove(secret)
    this.#live.clear()
  }

  get #used(): UsedPeriods {
    const { store, totp, code } = this.#of
    const used = parseUsed(store.newest(this.#key), totp.periodS)
    const { loss } = store
    if (loss?.kind !== 'lost') return used
    // The last code that may have opened before the loss.
    const forgotten = periodAt(totp, loss.at + LEAD_MS) + code.skew
    return { ...used, floor: Math.max(used.floor, forgotten) }
  }

  #periodOf(secret: GateSequence): number | undefined {
    for (const [period, live] of this.#live) if (live === secret) return period
    return undefined
  }
}

/** The prefix of the keys for used codes. */
export const USED_CODES_KEY = 'totp\n'

/**
 * Returns the key under which the journal stores a secret's used codes. It does not contain the door: a code can be
 * used once in the whole daemon, even if several doors share its secret.
 */
export function usedCodesKey({ key, algorithm, digits, periodS }: TotpSecret): string {
  const hash = createHash('sha256').update(`${algorithm} ${digits} ${periodS}\n`).update(key).digest('base64url')
  return `${USED_CODES_KEY}${hash.slice(0, PRINT_CHARS)}`
}

/**
 * The codes of all users of one door. If two users have the same code at the same time, it opens nothing. The daemon
 * could not tell which user came, and one user would consume the other's code.
 */
export class SharedCodes {
  readonly #gate: Pick<Gate, 'add' | 'remove'>
  readonly #clash: (users: readonly (string | undefined)[]) => void
  readonly #byKnocks = new Map<string, GateSequence[]>()

  /** @param clash called with the users who share a code */
  constructor(gate: Pick<Gate, 'add' | 'remove'>, clash: (users: readonly (string | undefined)[]) => void) {
    this.#gate = gate
    this.#clash = clash
  }

  add(secret: GateSequence): void {
    const key = keyOf(secret)
    const there = this.#byKnocks.get(key)
    if (there === undefined) {
      this.#byKnocks.set(key, [secret])
      this.#gate.add(secret)
      return
    }
    for (const other of there) this.#gate.remove(other)
    there.push(secret)
    if (new Set(there.map(({ user }) => user)).size > 1) this.#clash(there.map(({ user }) => user))
  }

  /** Removes a sequence. The gate may have forgotten it already. */
  remove(secret: GateSequence): void {
    const key = keyOf(secret)
    const there = this.#byKnocks.get(key)
    if (there === undefined || !there.includes(secret)) return
    this.#gate.remove(secret)
    const left = there.filter((other) => other !== secret)
    if (left.length === 0) this.#byKnocks.delete(key)
    else this.#byKnocks.set(key, left)
  }
}

function keyOf({ knocks }: GateSequence): string {
  return knocks.map(({ protocol, port }) => `${protocol} ${port}`).join()
}
