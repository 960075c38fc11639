import type { EtcdUnavailable } from './unavailable.ts'

/** The most attempts of all requests that are under way, and the most while no member answers. */
export const ATTEMPTS_MAX = 12
export const PROBES_MAX = 4
/** The most attempts that are kept although they take long. */
export const KEPT_MAX = 16

/**
 * Limits the attempts of all requests together. Each one at a member that hangs costs a TLS handshake, and a client whose
 * requests all tried again and again would be busy with nothing else. So while no member answers, a few requests try, and
 * the others wait for the first answer.
 */
export class Pace {
  /** The attempts that wait, and the time by which their request has its answer. */
  readonly #waiting = new Map<() => void, number>()
  #running = 0
  #kept = 0
  #answeredAt = -Infinity
  #isTroubled = false
  #fault: EtcdUnavailable | undefined

  /**
   * Begins an attempt now, or when there is room: that of the request first that has the least time left.
   *
   * @param until the time by which the request has its answer, in milliseconds of a monotonic clock
   * @returns cancels the wait
   */
  enter(until: number, begin: () => void): () => void {
    if (this.#hasRoom) {
      this.#running++
      begin()
      return () => undefined
    }
    this.#waiting.set(begin, until)
    return () => void this.#waiting.delete(begin)
  }

  /** Ends an attempt. */
  leave(): void {
    this.#running--
    this.#admit()
  }

  /** Makes room for another attempt while one goes on. Returns false if too many go on already. */
  keep(): boolean {
    if (this.#kept >= KEPT_MAX) return false
    this.#kept++
    this.leave()
    return true
  }

  /** Ends an attempt that was kept. */
  drop(): void {
    this.#kept--
  }

  /** The reason why a member gave no answer last; `undefined`: all is well, or no reason came. */
  get fault(): EtcdUnavailable | undefined {
    return this.#fault
  }

  /**
   * A member answered, so that all others may go on.
   *
   * @param now milliseconds of a monotonic clock
   */
  answered(now: number): void {
    this.#answeredAt = now
    this.#isTroubled = false
    this.#fault = undefined
    this.#admit()
  }

  /**
   * A member gave no answer. That is trouble if no other one did meanwhile.
   *
   * @param since the begin of the attempt, in milliseconds of a monotonic clock
   */
  failed(since: number, fault?: EtcdUnavailable): void {
    if (this.#answeredAt >= since) return
    this.#isTroubled = true
    this.#fault = fault ?? this.#fault
  }

  get #hasRoom(): boolean {
    return this.#running < (this.#isTroubled ? PROBES_MAX : ATTEMPTS_MAX)
  }

  #admit(): void {
    while (this.#waiting.size > 0 && this.#hasRoom) {
      let next: (() => void) | undefined
      let first = Infinity
      for (const [begin, until] of this.#waiting) {
        if (until < first) [next, first] = [begin, until]
      }
      this.#waiting.delete(next!)
      this.#running++
      next!()
    }
  }
}
