import { createHash } from 'node:crypto'
import type { CodeTerms, Door } from '../config/config.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Terms } from '../gate/terms.ts'
import type { Redemption } from '../state/ledger.ts'
import { formatUsed, isUnused, newestUsedAt, parseUsed, withUsed } from './used-periods.ts'
import type { UsedPeriods } from './used-periods.ts'
import { codeOf, periodAt } from '../totp/code.ts'
import type { TotpSecret } from '../totp/code.ts'
import { knocksOfCode } from '../totp/ports.ts'
import type { AuthenticatorDeps } from './deps.ts'
import { gateSequenceOf } from './gate-sequence.ts'
import type { SharedCodes } from './shared-codes.ts'

/** Milliseconds for which a code is accepted before its period. The timer that adds the code may be late. */
export const LEAD_MS = 2_000
/** Milliseconds for which a code is accepted after its period, because knocks take time to arrive. */
export const TAIL_MS = 2_000
/** Characters of the hash that distinguishes the used codes of different secrets (132 bits). */
const PRINT_CHARS = 22
/** Milliseconds for which a secret's used codes are kept after it has left all files, in case it returns. */
const USED_KEPT_MS = 7 * 86_400_000

/** The dependencies of the codes of one secret. */
export interface CodesDeps {
  readonly door: Door
  /** The door's conditions on its knocks. */
  readonly terms: Terms
  readonly code: CodeTerms
  readonly totp: TotpSecret
  readonly user: string | undefined
  readonly ledger: Pick<AuthenticatorDeps['ledger'], 'newest' | 'advance'>
  readonly store: Pick<AuthenticatorDeps['store'], 'loss'>
  /** The gate's codes for this door, of all users. */
  readonly shared: SharedCodes
}

/** The time-based codes of one secret that are valid now, as sequences of the gate. */
export class Codes {
  readonly #deps: CodesDeps
  readonly #key: string
  /** The sequences by the number of their period. */
  readonly #live = new Map<number, GateSequence>()

  constructor(deps: CodesDeps) {
    this.#deps = deps
    this.#key = usedCodesKey(deps.totp)
  }

  /** The sequences that open the door now. */
  get sequences(): Iterable<GateSequence> {
    return this.#live.values()
  }

  /** The key under which the journal stores the used codes. */
  get key(): string {
    return this.#key
  }

  /**
   * The beginning of the newest period whose code was used, in milliseconds since 1970; `undefined`: the journal knows
   * of none.
   */
  get lastUsedMs(): number | undefined {
    const text = this.#deps.ledger.newest(this.#key, this.#deps.door.name)
    return text === undefined ? undefined : newestUsedAt(parseUsed(text, this.#deps.totp.periodS))
  }

  /** Adds the codes that are valid at `now` (milliseconds since 1970) to the gate, and removes the expired ones. */
  update(now: number): void {
    const { door, terms, code, totp, user, shared } = this.#deps
    const first = periodAt(totp, now - TAIL_MS) - code.skew
    const last = periodAt(totp, now + LEAD_MS) + code.skew
    for (const [period, sequence] of this.#live) {
      if (period >= first && period <= last) continue
      this.#live.delete(period)
      shared.remove(sequence)
    }
    const used = this.#usedIn(this.#deps.ledger.newest(this.#key, this.#deps.door.name))
    for (let period = Math.max(0, first); period <= last; period++) {
      if (this.#live.has(period) || !isUnused(used, period)) continue
      const knocks = [...code.before, ...knocksOfCode(codeOf(totp, period))]
      const sequence = gateSequenceOf(door, knocks, { terms, user, once: true, code: code.before.length })
      this.#live.set(period, sequence)
      shared.add(sequence)
    }
  }

  /** Returns the next time at which {@link update} has work, in milliseconds since 1970. */
  due(now: number): number {
    const periodMs = this.#deps.totp.periodS * 1000
    const begins = (Math.floor((now + LEAD_MS) / periodMs) + 1) * periodMs - LEAD_MS
    const ends = (Math.floor((now - TAIL_MS) / periodMs) + 1) * periodMs + TAIL_MS
    return Math.min(begins, ends)
  }

  /** Returns true if the sequence is one of these codes. */
  has(sequence: GateSequence): boolean {
    return this.#periodOf(sequence) !== undefined
  }

  /** Marks a code as used, durably. The gate no longer has the code at this point. */
  async redeem(sequence: GateSequence): Promise<Redemption> {
    const period = this.#periodOf(sequence)
    if (period === undefined) return 'lost'
    this.#live.delete(period)
    this.#deps.shared.remove(sequence)
    const next = (present: string | undefined): string | undefined => {
      const used = this.#usedIn(present)
      return isUnused(used, period) ? formatUsed(withUsed(used, period)) : undefined
    }
    return await this.#deps.ledger.advance(this.#key, next, { door: this.#deps.door.name })
  }

  /** Removes every code from the gate. */
  close(): void {
    for (const sequence of this.#live.values()) this.#deps.shared.remove(sequence)
    this.#live.clear()
  }

  #usedIn(text: string | undefined): UsedPeriods {
    const { store, totp, code } = this.#deps
    const used = parseUsed(text, totp.periodS)
    const { loss } = store
    if (loss?.kind !== 'lost') return used
    // The last code that may have opened before the loss.
    const forgotten = periodAt(totp, loss.at + LEAD_MS) + code.skew
    return { ...used, floor: Math.max(used.floor, forgotten) }
  }

  #periodOf(sequence: GateSequence): number | undefined {
    for (const [period, live] of this.#live) if (live === sequence) return period
    return undefined
  }
}

/** The prefix of the keys for used codes. */
const USED_CODES_KEY = 'totp\n'

/**
 * Returns the key under which the journal stores a secret's used codes. It does not contain the door: a code can be
 * used once in the whole daemon, even if several doors share its secret.
 */
function usedCodesKey({ key, algorithm, digits, periodS }: TotpSecret): string {
  const hash = createHash('sha256').update(`${algorithm} ${digits} ${periodS}\n`).update(key).digest('base64url')
  return `${USED_CODES_KEY}${hash.slice(0, PRINT_CHARS)}`
}

/**
 * Forgets the used codes of removed secrets, which would otherwise fill the journal.
 *
 * @param known the keys of all secrets that are in force
 * @param now milliseconds since 1970
 */
export function forgetUsedCodes(
  store: Pick<AuthenticatorDeps['store'], 'keys' | 'newest' | 'forget'>,
  known: Iterable<string>,
  now: number,
): void {
  const kept = new Set(known)
  for (const key of store.keys(USED_CODES_KEY)) {
    if (kept.has(key) || newestUsedAt(parseUsed(store.newest(key), 0)) + USED_KEPT_MS > now) continue
    // The next start tries again.
    store.forget(key).catch(() => undefined)
  }
}
