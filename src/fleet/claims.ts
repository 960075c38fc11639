import { randomBytes, randomInt } from 'node:crypto'
import type { Etcd } from '../etcd/client.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import { LruMap } from '../limit/lru-map.ts'
import type { Log } from '../log/log.ts'
import type { Clock } from '../secret/clock.ts'
import type { Redemption } from '../state/ledger.ts'
import type { Store } from '../state/store.ts'
import { CatchUp } from './catch-up.ts'
import { ClaimSeal, nextRecord, NO_USE, RECORD_MAX_CHARS, valueOf } from './claim-record.ts'
import type { ClaimKind } from './claim-record.ts'
import type { Keyspace } from './keyspace.ts'
import { Leases } from './leases.ts'
import { Restorer } from './restorer.ts'
import { SeenClaims } from './seen-claims.ts'
import type { SeenClaim } from './seen-claims.ts'
import { ToldClaims } from './told-claims.ts'

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

/** Returns a random number from 0, below another one. */
const RANDOM = (below: number): number => randomInt(below)

/** The functions and values that claims need from their caller. */
export interface ClaimsDeps {
  readonly etcd: Pick<Etcd, 'txn' | 'grant' | 'changes' | 'applied'>
  readonly keyspace: Keyspace
  readonly fleetKey: Uint8Array
  /** This host's name in the fleet. */
  readonly host: string
  readonly store: Pick<Store, 'newest' | 'keys' | 'advance' | 'forget'>
  readonly clock: Pick<Clock, 'now' | 'steady' | 'after'>
  readonly log: Pick<Log, 'notice'>
  /** Milliseconds by which clocks of hosts may differ. */
  readonly skewMs: number
  /** Returns the number of hosts of the fleet. */
  readonly hosts: () => number
  /** Called when this host has caught up with the others. */
  readonly caughtUp?: () => void
}

/** One use of a secret, as a claim asks for it. */
export interface ClaimUse {
  readonly name: string
  /** True if the secret can be used once: any record says that it is used up. */
  readonly isOnce: boolean
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

/** The mark of a use, and what was tried with it so far. */
interface Claimant {
  readonly mark: string
  tried?: Unsettled
}

/** Secrets of the fleet, each used up once for all hosts by a transaction in etcd. */
export class FleetClaims {
  readonly seen: SeenClaims
  readonly catchUp: CatchUp
  readonly #deps: ClaimsDeps
  readonly #seal: ClaimSeal
  readonly #leases: Leases
  readonly #restorer: Restorer
  readonly #told: ToldClaims
  readonly #throttle = new LogThrottle()
  readonly #suspicions = new LogThrottle(SUSPECT_EVERY_MS)
  readonly #turns = new Map<string, { readonly count: number; readonly last: Promise<unknown> }>()
  readonly #unsettled = new LruMap<string, readonly Unsettled[]>(UNSETTLED_MAX)
  #waiting = 0
  /** The number of claims that wait, by their owners. */
  readonly #owners = new Map<string, number>()

  constructor(deps: ClaimsDeps) {
    const { etcd, keyspace, fleetKey, host, store, clock, skewMs } = deps
    this.#deps = deps
    this.#seal = new ClaimSeal(fleetKey)
    this.#leases = new Leases(etcd, () => clock.now(), skewMs)
    const keyOf = (name: string): string => keyspace.claim(name)
    this.#restorer = new Restorer({
      etcd,
      keyOf,
      leases: this.#leases,
      seen: () => this.seen,
      withinMs: CLAIM_WITHIN_MS,
      steady: () => clock.steady(),
    })
    this.seen = new SeenClaims({
      prefix: keyspace.claims,
      seal: this.#seal,
      own: `${host}/`,
      store,
      clock,
      skewMs,
      random: RANDOM,
      suspect: (what) => this.#suspect(what),
      restore: (name) => this.#restorer.soon(name),
    })
    const { seen } = this
    this.catchUp = new CatchUp({ ...deps, seen, leases: this.#leases, random: RANDOM })
    this.#told = new ToldClaims({ etcd, keyOf, clock, seen })
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
    return open === undefined ? valueOf(record) : open.base
  }

  #release(owner: string | undefined): void {
    if (owner === undefined) return
    const left = (this.#owners.get(owner) ?? 1) - 1
    if (left === 0) this.#owners.delete(owner)
    else this.#owners.set(owner, left)
  }

  close(): void {
    this.catchUp.close()
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
  async #redeem(asked: ClaimUse, end: number): Promise<Redemption> {
    const { name, next, settle } = asked
    const known = (this.#unsettled.peek(name) ?? []).find(({ base, value }) => next(base) === value)
    const use: Claimant = {
      mark: known?.mark ?? `${this.#deps.host}/${randomBytes(MARK_BYTES).toString('base64url')}`,
      ...(known === undefined ? {} : { tried: known }),
    }
    try {
      const won = await this.#advance(asked, use, end)
      // With the use itself, its record is on disk: this host can tell it to others after a restart.
      const [redemption] = won ? await Promise.all([settle(), this.seen.note(name)]) : ['lost' as const]
      if (typeof redemption === 'string') this.#settled(name, use.mark)
      else if (use.tried !== undefined) this.#unsettle(name, use.tried)
      return redemption
    } catch (error) {
      if (use.tried !== undefined) this.#unsettle(name, use.tried)
      throw error
    }
  }

  /** Advances the record in etcd. Returns false if the secret is used up already. */
  async #advance(asked: ClaimUse, use: Claimant, end: number): Promise<boolean> {
    const { name, next } = asked
    const leftMs = (): number => end - this.#deps.clock.steady()
    for (let round = 0; round < ROUNDS_MAX && leftMs() > 0; round++) {
      const present = this.seen.get(name)
      const isOwn = use.tried !== undefined && present?.record.marks.includes(use.mark) === true
      const value = next(valueOf(present?.record))
      if (value === undefined && !isOwn) return false
      if (!this.catchUp.isDone) {
        await this.catchUp.done(leftMs())
        continue
      }
      if (isOwn) return true
      if (present === undefined || this.seen.there(name)?.text === present.text) {
        if (await this.#write(asked, value!, present, use, end)) return leftMs() >= 0 || tooLate()
      } else if (this.seen.isOver(present.record) && this.seen.there(name)?.text === undefined) {
        this.seen.forget(name)
      } else {
        const revision = await this.#restorer.now(name, end)
        if (revision !== undefined) await this.#told.upTo(name, revision, end)
      }
    }
    return tooLate()
  }

  /**
   * Writes the next record on top of the one that the watch told last. Returns false if the next round decides: a first record
   * counts once the watch has told it, as another one may have been there before, and was removed.
   */
  async #write(
    { name, isOnce, until }: ClaimUse,
    value: string,
    present: SeenClaim | undefined,
    use: Claimant,
    end: number,
  ): Promise<boolean> {
    const { etcd, clock, keyspace } = this.#deps
    const key = keyspace.claim(name)
    const leftMs = (): number => end - clock.steady()
    const isPlace = present === undefined && !isOnce
    const record = isPlace ? NO_USE : nextRecord(present?.record, value, use.mark, until)
    const text = this.#seal.seal(name, record)
    if (text.length > RECORD_MAX_CHARS) throw new Error('the record of this secret is too long')
    const lease = await this.#restorer.lease(record, leftMs)
    const compare =
      present === undefined ? { key, version: 0 as const } : { key, modRevision: String(present.revision) }
    if (!isPlace) use.tried = { mark: use.mark, base: valueOf(present?.record), value }
    let answer
    try {
      answer = await etcd.txn([compare], [{ put: key, value: text, ...lease }], [{ get: key }], Math.max(1, leftMs()))
    } catch (error) {
      if (!(error instanceof EtcdUnavailable && error.kind === 'lease') || record.until === undefined) throw error
      this.#leases.ended(record.until)
      return false
    }
    const revision = Number(answer.revision)
    if (answer.won && present !== undefined) {
      this.seen.take(name, { record, text, revision })
      return true
    }
    if (answer.won) {
      await this.#told.upTo(name, revision, end)
      return false
    }
    const there = answer.kvs[0]?.[0]
    if (there === undefined) {
      await this.#told.gone(name, present?.revision, end)
    } else if (present === undefined && this.#seal.open(name, there.value) === undefined) {
      this.#suspect('a record of a used secret was written by somebody else')
      throw new Error("the fleet's record was written by somebody else")
    } else await this.#told.upTo(name, Number(there.modRevision), end)
    return false
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

function tooLate(): never {
  throw new Error('no result within 3 s')
}
