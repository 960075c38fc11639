import type { Etcd, WatchEvent } from '../etcd/client.ts'
import type { Clock } from '../secret/clock.ts'
import type { SeenClaims } from './seen-claims.ts'

/** Milliseconds that a claim waits for the watch to tell its record, before it asks etcd for the changes itself. */
export const TOLD_WITHIN_MS = 150

/** The functions and values that waiting for the watch needs from its caller. */
export interface ToldDeps {
  readonly etcd: Pick<Etcd, 'changes'>
  readonly keyOf: (name: string) => string
  readonly clock: Pick<Clock, 'steady' | 'after'>
  readonly seen: SeenClaims
}

/**
 * Waits until the watch has told the changes of a record. If it is late, as when its streams are being opened again, etcd is
 * asked for the changes of this record alone.
 */
export class ToldClaims {
  readonly #deps: ToldDeps

  constructor(deps: ToldDeps) {
    this.#deps = deps
  }

  /**
   * Waits until all changes up to a revision are told, or there is a new list.
   *
   * @param end milliseconds of the steady clock
   * @throws EtcdUnavailable, of the kind `compacted` if etcd no longer has the changes
   */
  async upTo(name: string, revision: number, end: number): Promise<void> {
    const { seen } = this.#deps
    const isTold = (): boolean => seen.told >= revision || (seen.there(name)?.revision ?? 0) >= revision
    await this.#until(name, isTold, ({ kv }) => Number(kv.modRevision) >= revision, end)
  }

  /**
   * Waits until it is told that a record is gone.
   *
   * @param before the revision that was told before etcd was asked; `undefined`: none was
   * @throws EtcdUnavailable, as {@link upTo}
   */
  async gone(name: string, before: number | undefined, end: number): Promise<void> {
    const { seen } = this.#deps
    const isTold = (): boolean => seen.there(name)?.revision !== before
    await this.#until(name, isTold, ({ type }) => type === 'delete', end)
  }

  async #until(
    name: string,
    isTold: () => boolean,
    isLast: (event: WatchEvent) => boolean,
    end: number,
  ): Promise<void> {
    const { etcd, keyOf, clock, seen } = this.#deps
    const { round } = seen
    if (await this.#isWithin(TOLD_WITHIN_MS, () => isTold() || seen.round !== round)) return
    const leftMs = Math.max(1, end - clock.steady())
    for (const event of await etcd.changes(keyOf(name), seen.told + 1, isLast, leftMs)) {
      // What is told after a new list has its place in another order.
      if (seen.round === round) seen.hear(event)
    }
  }

  async #isWithin(ms: number, isTold: () => boolean): Promise<boolean> {
    if (isTold()) return true
    return await new Promise((resolve) => {
      const finish = (): void => {
        cancel()
        unlearn()
        resolve(isTold())
      }
      const cancel = this.#deps.clock.after(ms, finish)
      const unlearn = this.#deps.seen.learned(() => {
        if (isTold()) finish()
      })
    })
  }
}
