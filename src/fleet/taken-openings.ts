import type { Clock } from '../secret/clock.ts'
import type { JournalLedger } from '../state/journal-ledger.ts'
import type { Redemption } from '../state/ledger.ts'
import type { Store } from '../state/store.ts'
import { TOLD_MAX_MS } from './opening-event.ts'
import type { OpeningEvent } from './opening-event.ts'

/** Most openings of one host, and in all, that are remembered at a time. */
export const TAKEN_HOST_MAX = 2_048
export const TAKEN_MAX = 8_192
/** Milliseconds between two looks for openings whose time is over. */
export const FORGET_EVERY_MS = 60_000

/** The prefix of the journal's keys for the openings of other hosts. */
const TAKEN_KEY = 'fleet-opening\n'
/** The journal's key for the latest deadline that was forgotten. */
const OVER_KEY = 'fleet-opening-over'

/** The functions and values that the record of taken events needs from the daemon. */
export interface TakenDeps {
  /** The ledger of this host alone. */
  readonly ledger: Pick<JournalLedger, 'advance' | 'newest'>
  readonly store: Pick<Store, 'keys' | 'forget'>
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Milliseconds after its deadline for which an opening is remembered. */
  readonly clockSkewMs: number
}

/**
 * The events of other hosts that this host has taken, on disk. Each number counts once, and only a higher one after it, so
 * that a copy in etcd opens nothing: neither after a restart nor after the opening was closed, nor if a clock is set back.
 */
export class TakenOpenings {
  readonly #deps: TakenDeps
  readonly #byHost = new Map<string, number>()
  #count = 0
  #cancel = (): void => undefined

  constructor(deps: TakenDeps) {
    this.#deps = deps
    for (const key of deps.store.keys(TAKEN_KEY)) this.#counted(hostOf(key), 1)
  }

  /** Returns the number of the last event that was taken for an opening; 0: none was. */
  numberOf(host: string, id: string): number {
    return taken(this.#deps.ledger.newest(keyOf(host, id))).number
  }

  /** Returns true if a deadline has passed before, even if the clock was set back since. */
  wasOver(until: number): boolean {
    return until <= Number(this.#deps.ledger.newest(OVER_KEY) ?? 0)
  }

  /** Takes an event, durably. `lost`: it, or a later one, was taken before. */
  async take(host: string, { id, number, until }: OpeningEvent): Promise<Redemption> {
    const { ledger, clock } = this.#deps
    const key = keyOf(host, id)
    const isNew = ledger.newest(key) === undefined
    if (isNew && (this.#count >= TAKEN_MAX || (this.#byHost.get(host) ?? 0) >= TAKEN_HOST_MAX)) {
      return { unavailable: `too many openings of ${host} at a time` }
    }
    if (isNew) this.#counted(host, 1)
    // Nobody's clock keeps a record for good.
    const end = Math.min(until, clock.now() + TOLD_MAX_MS)
    return await ledger.advance(key, (present) => {
      const before = taken(present)
      return number > before.number ? `${number} ${Math.max(end, before.until)}` : undefined
    })
  }

  /** Begins to forget openings some time after their deadline. */
  start(): void {
    this.#cancel = this.#deps.clock.after(FORGET_EVERY_MS, () => {
      void this.forget().catch(() => undefined)
      this.start()
    })
  }

  stop(): void {
    this.#cancel()
  }

  /** Forgets openings whose time is over. A copy of them is over as well, and stays so if the clock is set back. */
  async forget(): Promise<void> {
    const { ledger, store, clock, clockSkewMs } = this.#deps
    const before = clock.now() - clockSkewMs
    const over = [...store.keys(TAKEN_KEY)].flatMap((key) => {
      const { until } = taken(ledger.newest(key))
      return until < before ? [{ key, until }] : []
    })
    if (over.length === 0) return
    const last = Math.max(...over.map(({ until }) => until))
    const noted = await ledger.advance(OVER_KEY, (present) => (last > Number(present ?? 0) ? String(last) : undefined))
    if (typeof noted === 'object') return
    await Promise.all(
      over.map(async ({ key }) => {
        this.#counted(hostOf(key), -1)
        await store.forget(key)
      }),
    )
  }

  #counted(host: string, by: number): void {
    this.#count += by
    this.#byHost.set(host, (this.#byHost.get(host) ?? 0) + by)
    if (this.#byHost.get(host) === 0) this.#byHost.delete(host)
  }
}

function keyOf(host: string, id: string): string {
  return `${TAKEN_KEY}${host}/${id}`
}

function hostOf(key: string): string {
  return key.slice(TAKEN_KEY.length, key.lastIndexOf('/'))
}

function taken(value: string | undefined): { readonly number: number; readonly until: number } {
  const [number = 0, until = 0] = value?.split(' ').map(Number) ?? []
  return { number, until }
}
