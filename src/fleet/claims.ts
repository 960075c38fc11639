import { randomBytes } from 'node:crypto'
import type { Etcd, KeyValue } from '../etcd/client.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import { LruMap } from '../limit/lru-map.ts'
import type { Log } from '../log/log.ts'
import type { Clock } from '../secret/clock.ts'
import type { Redemption } from '../state/ledger.ts'
import type { Store } from '../state/store.ts'
import { ClaimSeal, nextRecord, RECORD_MAX_CHARS } from './claim-record.ts'
import type { ClaimKind } from './claim-record.ts'
import { Leases } from './leases.ts'
import { MISSED_MAX, SeenClaims } from './seen-claims.ts'
import type { SeenClaim, SeenDeps } from './seen-claims.ts'

/** Milliseconds within which a claim is decided. Later, the door stays shut. */
export const CLAIM_WITHIN_MS = 3_000
/** The most claims of one secret that wait, and of all secrets together. */
export const CLAIMS_OF_ONE_MAX = 8
/** The most claims that wait of one owner, whose secrets are many, such as fwknop's packets of a stanza. */
export const CLAIMS_OF_OWNER_MAX = 32
export const CLAIMS_MAX = 256
/** The most hosts that may be faster, one after another, before a claim gives up. */
export const ROUNDS_MAX = 64
/** The most secrets whose last use has an unknown result. */
const UNSETTLED_MAX = 1_024
/** The most such uses of one secret. */
const UNSETTLED_OF_ONE_MAX = 4
const MARK_BYTES = 12
/** Milliseconds between two messages that somebody changed records. */
const SUSPECT_EVERY_MS = 3_600_000

/** The functions and values that claims need from their caller. */
export interface ClaimsDeps {
  readonly etcd: Pick<Etcd, 'txn' | 'grant'>
  /** The prefix of claims in etcd. */
  readonly prefix: string
  readonly fleetKey: Uint8Array
  /** This host's name in the fleet. */
  readonly host: string
  readonly store: Pick<Store, 'newest' | 'keys' | 'advance' | 'forget'>
  readonly clock: Pick<Clock, 'now' | 'steady' | 'after'>
  readonly log: Pick<Log, 'notice'>
  /** Milliseconds by which clocks of hosts may differ. */
  readonly skewMs: number
}

/** One use of a secret, as a claim asks for it. */
export interface ClaimUse {
  readonly name: string
  /** Returns the new value for the present one; `undefined`: the secret is used up. Pure. */
  readonly next: (present: string | undefined) => string | undefined
  /** Milliseconds since 1970 at which the secret expires; `undefined`: it never does. */
  readonly until: number | undefined
  /** The owner of the secret, whose claims have a limit of their own; `undefined`: none. */
  readonly owner?: string | undefined
  /** Uses the secret up on this host, once it has won. */
  readonly settle: () => Promise<Redemption>
}

/** A use whose result is unknown: a request may have been carried out, but no answer came. */
interface Unsettled {
  readonly mark: string
  readonly base: string | undefined
  readonly value: string
}

/** Secrets of the fleet, each used up once for all hosts by a transaction in etcd. */
export class FleetClaims {
  readonly seen: SeenClaims
  readonly #deps: ClaimsDeps
  readonly #seal: ClaimSeal
  readonly #leases: Leases
  readonly #throttle = new LogThrottle()
  readonly #suspicions = new LogThrottle(SUSPECT_EVERY_MS)
  readonly #turns = new Map<string, { readonly count: number; readonly last: Promise<unknown> }>()
  readonly #unsettled = new LruMap<string, readonly Unsettled[]>(UNSETTLED_MAX)
  #waiting = 0
  /** The number of claims that wait, by their owners. */
  readonly #owners = new Map<string, number>()
  /** The records that are to be written again, one after another, so that claims go before them. */
  #restoring = 0
  #restored: Promise<void> = Promise.resolve()

  constructor(deps: ClaimsDeps) {
    const { etcd, prefix, fleetKey, host, store, clock, skewMs } = deps
    this.#deps = deps
    this.#seal = new ClaimSeal(fleetKey)
    this.#leases = new Leases(etcd, () => clock.now(), skewMs)
    const suspect = (what: string): void => this.#suspect(what)
    const restore: SeenDeps['restore'] = (...gone) => this.#restore(...gone)
    this.seen = new SeenClaims({ prefix, seal: this.#seal, own: `${host}/`, store, clock, skewMs, suspect, restore })
  }

  /** Returns the name of a secret in etcd. */
  name(kind: ClaimKind, ...parts: readonly string[]): string {
    return this.#seal.name(kind, ...parts)
  }

  /** Uses a secret up for all hosts, and then on this one. Never rejects. */
  async use(use: ClaimUse): Promise<Redemption> {
    const { clock } = this.#deps
    const end = clock.steady() + CLAIM_WITHIN_MS
    const before = this.#turns.get(use.name)
    const count = (before?.count ?? 0) + 1
    const owned = use.owner === undefined ? 0 : (this.#owners.get(use.owner) ?? 0) + 1
    if (this.#waiting >= CLAIMS_MAX || count > CLAIMS_OF_ONE_MAX || owned > CLAIMS_OF_OWNER_MAX) {
      return this.#refuse('too many claims are waiting')
    }
    this.#waiting++
    if (use.owner !== undefined) this.#owners.set(use.owner, owned)
    const turn = this.#inTurn(before?.last, use, end)
    this.#turns.set(use.name, { count, last: turn })
    const redemption = await turn
    this.#waiting--
    this.#release(use.owner)
    const after = this.#turns.get(use.name)!
    if (after.count === 1) this.#turns.delete(use.name)
    else this.#turns.set(use.name, { ...after, count: after.count - 1 })
    return redemption
  }

  /**
   * Returns the newest value of a secret that was seen; `undefined`: it is unused. A use of this host whose result is unknown
   * does not count: the same use may still win.
   */
  settled(name: string): string | undefined {
    const { record } = this.seen.get(name) ?? {}
    const last = record?.marks.at(-1)
    const open = (this.#unsettled.peek(name) ?? []).find(({ mark }) => mark === last)
    return open === undefined ? record?.value : open.base
  }

  #release(owner: string | undefined): void {
    if (owner === undefined) return
    const left = (this.#owners.get(owner) ?? 1) - 1
    if (left === 0) this.#owners.delete(owner)
    else this.#owners.set(owner, left)
  }

  close(): void {
    this.seen.close()
  }

  /** Decides after the claims of the same secret that came before, as they share what is known of it. */
  async #inTurn(before: Promise<unknown> | undefined, use: ClaimUse, end: number): Promise<Redemption> {
    await before
    try {
      return await this.#redeem(use, end)
    } catch (error) {
      const { message } = error as Error
      const { reason, hint } = error instanceof EtcdUnavailable ? error : { reason: message, hint: undefined }
      return this.#refuse(reason, hint)
    }
  }

  /** @throws EtcdUnavailable, or Error with the reason why nothing is decided */
  async #redeem({ name, next, until, settle }: ClaimUse, end: number): Promise<Redemption> {
    const known = (this.#unsettled.peek(name) ?? []).find(({ base, value }) => next(base) === value)
    const use: { mark: string; tried?: Unsettled } = {
      mark: known?.mark ?? `${this.#deps.host}/${randomBytes(MARK_BYTES).toString('base64url')}`,
      ...(known === undefined ? {} : { tried: known }),
    }
    try {
      const won = await this.#advance(name, next, until, use, end)
      const redemption = won ? await settle() : 'lost'
      if (typeof redemption === 'string') this.#settled(name, use.mark)
      else if (use.tried !== undefined) this.#unsettle(name, use.tried)
      return redemption
    } catch (error) {
      if (use.tried !== undefined) this.#unsettle(name, use.tried)
      throw error
    }
  }

  /** Advances the record in etcd. Returns false if the secret is used up already. */
  async #advance(
    name: string,
    next: ClaimUse['next'],
    until: number | undefined,
    use: { readonly mark: string; tried?: Unsettled },
    end: number,
  ): Promise<boolean> {
    const { etcd, clock, prefix } = this.#deps
    const key = `${prefix}${name}`
    let present = this.seen.get(name)
    for (let round = 0; round < ROUNDS_MAX; round++) {
      if (use.tried !== undefined && present?.record.marks.includes(use.mark) === true) return true
      const base = present?.record.value
      const value = next(base)
      if (value === undefined) return false
      const leftMs = (): number => end - clock.steady()
      if (leftMs() <= 0) break
      const record = nextRecord(present?.record, value, use.mark, until)
      const text = this.#seal.seal(name, record)
      if (text.length > RECORD_MAX_CHARS) throw new Error('the record of this secret is too long')
      const lease = record.until === undefined ? undefined : await this.#leases.lasting(record.until, leftMs)
      const compare = present === undefined ? { key, version: 0 as const } : { key, value: present.text }
      use.tried = { mark: use.mark, base, value }
      let answer
      try {
        const put = { put: key, value: text, ...(lease === undefined ? {} : { lease }) }
        answer = await etcd.txn([compare], [put], [{ get: key }], Math.max(1, leftMs()))
      } catch (error) {
        if (!(error instanceof EtcdUnavailable && error.kind === 'lease') || record.until === undefined) throw error
        this.#leases.ended(record.until)
        continue
      }
      if (answer.won) {
        this.seen.take(name, { record, text, revision: Number(answer.revision) })
        if (clock.steady() > end) break
        return true
      }
      present = await this.#present(name, present, answer.kvs[0]?.[0], end)
    }
    throw new Error('no result within 3 s')
  }

  /**
   * Reads the record that etcd has in place of the one that was expected.
   *
   * @throws Error if it was removed, replaced by an older one, or written by somebody else; it is then put right
   */
  async #present(
    name: string,
    expected: SeenClaim | undefined,
    kv: KeyValue | undefined,
    end: number,
  ): Promise<SeenClaim | undefined> {
    const now = this.seen.get(name)
    // News that came meanwhile may be newer than this answer. The next round decides.
    if (now !== undefined && now.text !== expected?.text) return now
    const seen = now ?? expected
    const text = kv?.value
    const record = text === undefined ? undefined : this.#seal.open(name, text)
    if (record !== undefined && kv !== undefined) {
      const claim = { record, text: kv.value, revision: Number(kv.modRevision) }
      if (this.seen.take(name, claim)) return claim
    }
    if (text === undefined && (seen === undefined || this.seen.isOver(seen.record))) {
      this.seen.forget(name)
      return undefined
    }
    const what =
      text === undefined
        ? 'was removed before its time'
        : record === undefined
          ? 'was written by somebody else'
          : 'was replaced by an older one'
    this.#suspect(`a record of a used secret ${what}`)
    if (seen !== undefined) await this.#putRight(name, seen, text, end)
    throw new Error(`the fleet's record ${what}`)
  }

  /** Writes the newest record that this host has seen in the place of what is there. */
  async #putRight(name: string, claim: SeenClaim, there: string | undefined, end: number): Promise<void> {
    const { etcd, clock, prefix } = this.#deps
    const key = `${prefix}${name}`
    const { record, text } = claim
    const leftMs = (): number => end - clock.steady()
    try {
      const lease = record.until === undefined ? {} : { lease: await this.#leases.lasting(record.until, leftMs) }
      const compare = there === undefined ? { key, version: 0 as const } : { key, value: there }
      const answer = await etcd.txn([compare], [{ put: key, value: text, ...lease }], [], Math.max(1, leftMs()))
      if (answer.won) this.seen.take(name, { ...claim, revision: Number(answer.revision) })
    } catch {
      // The next claim tries again.
    }
  }

  #restore(...[name, claim, there]: Parameters<SeenDeps['restore']>): void {
    if (this.#restoring >= MISSED_MAX) return
    this.#restoring++
    const before = this.#restored
    this.#restored = (async () => {
      await before
      await this.#putRight(name, claim, there, this.#deps.clock.steady() + CLAIM_WITHIN_MS)
      this.#restoring--
    })()
  }

  #unsettle(name: string, use: Unsettled): void {
    const others = (this.#unsettled.peek(name) ?? []).filter(({ mark }) => mark !== use.mark)
    this.#unsettled.set(name, [...others, use].slice(-UNSETTLED_OF_ONE_MAX))
  }

  #settled(name: string, settled: string): void {
    const others = (this.#unsettled.peek(name) ?? []).filter(({ mark }) => mark !== settled)
    if (others.length === 0) this.#unsettled.delete(name)
    else this.#unsettled.set(name, others)
  }

  #refuse(reason: string, hint?: string): Redemption {
    const { log, clock } = this.#deps
    const text = `fleet unavailable: ${reason}`
    if (hint !== undefined && this.#throttle.due(reason, clock.steady())) log.notice('error', `${text}\n${hint}`)
    return { unavailable: text }
  }

  #suspect(what: string): void {
    const { log, clock } = this.#deps
    if (!this.#suspicions.due(what.replaceAll(/\d+/g, ''), clock.steady())) return
    const hint = 'it opens nothing here; look who writes to etcd, or whether it was restored from a copy'
    log.notice('error', `${what}\n${hint}`)
  }
}
