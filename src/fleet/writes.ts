import { explained } from '../etcd/advice.ts'
import type { Etcd } from '../etcd/client.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import type { UnavailableKind } from '../etcd/client.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import type { Log } from '../log/log.ts'

/** The kinds of writes of a host. */
export type Written = 'claims' | 'openings' | 'signs of life'
/** The client of etcd, as far as it writes. */
export type Writer = Pick<Etcd, 'txn' | 'put' | 'grant'>

/** Milliseconds for which a refused write counts: nobody may claim anything for days after a right was given. */
export const FAULT_AGE_MAX_MS = 600_000
/** Kinds that tell nothing of the next write. */
const PASSING: ReadonlySet<UnavailableKind> = new Set(['lease', 'busy', 'closed', 'compacted'])
/** Kinds that the watches tell as well. */
const TOLD: ReadonlySet<UnavailableKind> = new Set(['no-answer', 'reset', 'no-majority'])

/** The functions and values that the account of writes needs. */
export interface WritesDeps {
  readonly etcd: Writer
  readonly log: Pick<Log, 'notice'>
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
}

/**
 * Knows whether etcd takes what this host writes. Watches go on when the database is full or a right is missing, so that
 * only a write tells. A sign of life is written every ten seconds.
 */
export class Writes {
  readonly #deps: WritesDeps
  readonly #faults = new Map<Written, { readonly fault: EtcdUnavailable; readonly at: number }>()
  readonly #throttle = new LogThrottle()
  /** The faults that the log has. */
  readonly #said = new Set<string>()

  constructor(deps: WritesDeps) {
    this.#deps = deps
  }

  /** Returns the client for one kind of write, which notes the results. */
  of(what: Written): Writer {
    const { etcd } = this.#deps
    const noted = async <T>(asked: Promise<T>, isWrite: boolean): Promise<T> => {
      try {
        const answer = await asked
        if (isWrite) this.#taken(what)
        return answer
      } catch (error) {
        if (error instanceof EtcdUnavailable && !PASSING.has(error.kind)) this.#refused(what, error)
        throw error
      }
    }
    return {
      txn: async (...words) => await noted(etcd.txn(...words), true),
      put: async (...words) => await noted(etcd.put(...words), true),
      // A lease is no write: etcd may give one and refuse the key.
      grant: async (...words) => await noted(etcd.grant(...words), false),
    }
  }

  /** The fault of the last write, if no claim could win now; `undefined`: claims can. */
  get fault(): EtcdUnavailable | undefined {
    const faults = this.#present
    return faults.get('claims') ?? [...faults.values()].find(({ kind }) => kind !== 'login')
  }

  /** The writes that etcd refuses while it takes claims, each with its remedy. */
  get problems(): readonly string[] {
    if (this.fault !== undefined) return []
    return [...this.#present].map(([what, fault]) => `etcd refuses the ${what} of this host: ${explained(fault)}`)
  }

  get #present(): ReadonlyMap<Written, EtcdUnavailable> {
    const since = this.#deps.steady() - FAULT_AGE_MAX_MS
    return new Map([...this.#faults].flatMap(([what, { fault, at }]) => (at < since ? [] : [[what, fault]])))
  }

  #taken(what: Written): void {
    this.#faults.delete(what)
    // Rights are those of a key; everything else is etcd as a whole.
    for (const [other, { fault }] of this.#faults) if (fault.kind !== 'login') this.#faults.delete(other)
    if (this.#said.size === 0 || this.#faults.size > 0) return
    this.#said.clear()
    this.#say('taken', 'notice', 'etcd takes again what this host writes')
  }

  #refused(what: Written, fault: EtcdUnavailable): void {
    this.#faults.set(what, { fault, at: this.#deps.steady() })
    // The claim's own line, and that of the watches, say it.
    if (what === 'claims' || TOLD.has(fault.kind)) return
    const { kind, reason, hint } = fault
    const subject = `${what} ${reason}`
    if (this.#said.has(subject)) return
    this.#said.add(subject)
    const doors = kind === 'login' ? '' : '\ndoors with `Scope = fleet` stay shut'
    const text = `etcd refuses the ${what} of this host: ${reason}${doors}${hint === undefined ? '' : `\n${hint}`}`
    this.#say(subject, 'error', text)
  }

  #say(subject: string, level: 'notice' | 'error', text: string): void {
    const { log, steady } = this.#deps
    if (this.#throttle.due(subject, steady())) log.notice(level, text)
  }
}
