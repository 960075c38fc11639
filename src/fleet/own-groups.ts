import type { Clock } from '../secret/clock.ts'
import type { FleetHost } from './hosts.ts'
import type { Record } from './news.ts'

/** Milliseconds until all events are listed again, if etcd gave no list. */
export const LIST_AGAIN_MS = 5_000

/** The functions and values that the groups of this host need. */
export interface OwnGroupsDeps {
  /** This host in the document in force; `undefined`: it is not in the fleet. */
  readonly own: () => FleetHost | undefined
  /** Lists all events in etcd, as many as its client takes. */
  readonly list: () => Promise<readonly Record[]>
  readonly clock: Pick<Clock, 'steady'>
  /** Runs something without a waiting caller, and records a failure as a fault. */
  readonly attempt: (work: () => Promise<void>) => Promise<void>
}

/**
 * The groups of this host. When they change, all events are listed again: what was told to a group before this host was
 * known to be in it was passed over.
 */
export class OwnGroups {
  readonly #deps: OwnGroupsDeps
  readonly #listed: (records: readonly Record[]) => void
  #groups: string | undefined
  /** The time of the steady clock from which on events are to be listed. */
  #listAt = Infinity

  constructor(deps: OwnGroupsDeps, listed: (records: readonly Record[]) => void) {
    this.#deps = deps
    this.#listed = listed
  }

  /** Takes the groups of this moment for those that events were judged by. */
  start(): void {
    this.#groups = this.#present
  }

  /** Lists the events again if the groups have changed. */
  look(): void {
    const { clock, list, attempt } = this.#deps
    const groups = this.#present
    if (groups !== this.#groups) this.#listAt = clock.steady()
    this.#groups = groups
    if (this.#listAt > clock.steady()) return
    this.#listAt = Infinity
    void attempt(async () => {
      const records = await list().catch(() => undefined)
      if (records === undefined) this.#listAt = Math.min(this.#listAt, clock.steady() + LIST_AGAIN_MS)
      else this.#listed(records)
    })
  }

  /** The groups; `undefined`: no operator lists this host. */
  get #present(): string | undefined {
    return this.#deps.own()?.groups.join()
  }
}
