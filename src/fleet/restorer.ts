import { EtcdUnavailable } from '../etcd/client.ts'
import type { Etcd, TxnResult } from '../etcd/client.ts'
import type { ClaimRecord } from './claim-record.ts'
import type { Leases } from './leases.ts'
import type { SeenClaims } from './seen-claims.ts'

/** The most records that wait to be written again. */
export const RESTORING_MAX = 1_000

/** The functions and values that restoring needs from its caller. */
export interface RestorerDeps {
  readonly etcd: Pick<Etcd, 'txn'>
  readonly keyOf: (name: string) => string
  readonly leases: Leases
  readonly seen: () => SeenClaims
  /** Milliseconds within which a record is written. */
  readonly withinMs: number
  readonly steady: () => number
}

/** Writes records of used secrets again that are gone from etcd, or were replaced by older ones. */
export class Restorer {
  readonly #deps: RestorerDeps
  /** One after another, so that claims go before them. */
  #waiting = 0
  #last: Promise<void> = Promise.resolve()

  constructor(deps: RestorerDeps) {
    this.#deps = deps
  }

  /** Writes a record when those before it are written. */
  soon(name: string): void {
    if (this.#waiting >= RESTORING_MAX) return
    this.#waiting++
    const before = this.#last
    this.#last = (async () => {
      await before
      const end = this.#deps.steady() + this.#deps.withinMs
      // Another host may have been faster.
      if (this.#deps.seen().isMissed(name)) await this.now(name, end).catch(() => undefined)
      this.#waiting--
    })()
  }

  /**
   * Writes the record that was seen in the place of what is there. Returns the revision at which etcd has it; `undefined`: something
   * else is there now.
   *
   * @throws EtcdUnavailable
   */
  async now(name: string, end: number): Promise<number | undefined> {
    const { keyOf, steady, seen } = this.#deps
    const key = keyOf(name)
    const claim = seen().get(name)
    if (claim === undefined) return undefined
    const leftMs = (): number => end - steady()
    const lease = await this.lease(claim.record, leftMs)
    const there = seen().there(name)
    let revision = there?.text === undefined ? undefined : String(there.revision)
    // What anyone else writes is not remembered, so it may be something else than what was expected.
    for (let tries = 0; tries < 2; tries++) {
      const compare = revision === undefined ? { key, version: 0 as const } : { key, modRevision: revision }
      const put = { put: key, value: claim.text, ...lease }
      // oxlint-disable-next-line no-await-in-loop -- the second on the answer to the first
      const answer = await this.#txn(claim.record, [compare], [put], [{ get: key }], leftMs())
      if (answer.won) return Number(answer.revision)
      const present = answer.kvs[0]?.[0]
      if (present?.value === claim.text) return Number(present.modRevision)
      if (present !== undefined && seen().isNewer(name, present.value)) return undefined
      revision = present?.modRevision
    }
    return undefined
  }

  async #txn({ until }: ClaimRecord, ...[compare, then, otherwise, ms]: Parameters<Etcd['txn']>): Promise<TxnResult> {
    try {
      return await this.#deps.etcd.txn(compare, then, otherwise, Math.max(1, ms ?? 1))
    } catch (error) {
      if (until !== undefined && error instanceof EtcdUnavailable && error.kind === 'lease')
        this.#deps.leases.ended(until)
      throw error
    }
  }

  /** Returns the lease of a record whose secret expires. @throws EtcdUnavailable */
  async lease({ until }: Pick<ClaimRecord, 'until'>, leftMs: () => number): Promise<{ readonly lease?: string }> {
    return until === undefined ? {} : { lease: await this.#deps.leases.lasting(until, leftMs) }
  }
}
