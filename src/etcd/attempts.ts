import type { Endpoints } from './endpoints.ts'
import { EtcdUnavailable, isFinal, isLasting } from './unavailable.ts'

/** Milliseconds after which a request is sent to the next member as well. */
export const ATTEMPT_MS = 350
/** Milliseconds within which a request has its answer, from the first attempt. */
export const WITHIN_MS = 3_000
/** Milliseconds before the next attempt when all members have failed. An election takes one to two seconds. */
export const ROUND_PAUSE_MS = 60

/**
 * The maximum number of attempts of a request that are under way at once; with one more, the oldest one ends. What was
 * handed on to a leader that stopped is never answered, and would hold its connection until the time limit.
 */
export const OVERLAP_MAX = 2

/** The time limits of a request in milliseconds. */
export interface Limits {
  readonly attemptMs: number
  readonly withinMs: number
}

/** A member, as its faults name it. */
export interface Member {
  readonly endpoint: string
}

/**
 * Sends a request to one member after the other until one answers. An attempt that takes long goes on beside the next
 * one, and its late answer counts. So a request may be carried out several times.
 *
 * @param send sends the request to a member, and throws {@link EtcdUnavailable}
 * @param closed ends the request
 * @throws EtcdUnavailable without an answer in time, or when no attempt can have another one
 */
export async function attempt<M extends Member, Answer>(
  members: Endpoints<M>,
  send: (member: M, signal: AbortSignal) => Promise<Answer>,
  limits: Limits,
  closed: AbortSignal,
): Promise<Answer> {
  return await new Attempts(members, send, limits).answer(closed)
}

/** The attempts of one request. */
class Attempts<M extends Member, Answer> {
  readonly #members: Endpoints<M>
  readonly #send: (member: M, signal: AbortSignal) => Promise<Answer>
  readonly #limits: Limits
  /** The attempts under way, oldest first. */
  readonly #running = new Set<AbortController>()
  /** The number of attempts at each member, and its last fault. */
  readonly #tried = new Map<M, number>()
  readonly #faults = new Map<M, EtcdUnavailable>()
  #settle: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined
  /** Begins the next attempt. */
  #timer: NodeJS.Timeout | undefined

  constructor(members: Endpoints<M>, send: (member: M, signal: AbortSignal) => Promise<Answer>, limits: Limits) {
    this.#members = members
    this.#send = send
    this.#limits = limits
  }

  async answer(closed: AbortSignal): Promise<Answer> {
    let limit: NodeJS.Timeout | undefined
    const onClosed = (): void =>
      this.#settle?.reject(new EtcdUnavailable('closed', 'the connection to etcd was closed'))
    try {
      return await new Promise<Answer>((resolve, reject) => {
        this.#settle = { resolve, reject }
        limit = setTimeout(() => reject(this.#summary()), this.#limits.withinMs)
        closed.addEventListener('abort', onClosed)
        if (closed.aborted) onClosed()
        else this.#next()
      })
    } finally {
      clearTimeout(limit)
      clearTimeout(this.#timer)
      closed.removeEventListener('abort', onClosed)
      for (const running of this.#running) running.abort()
    }
  }

  /** Asks the member that was asked least. */
  #next(): void {
    const order = this.#members.order(performance.now())
    const least = Math.min(...order.map((member) => this.#tried.get(member) ?? 0))
    const member = order.find((each) => (this.#tried.get(each) ?? 0) === least)!
    this.#tried.set(member, least + 1)
    const slow = setTimeout(() => {
      this.#members.failed(member, performance.now())
      this.#next()
    }, this.#limits.attemptMs)
    this.#timer = slow
    void this.#ask(member, slow)
    const [oldest] = this.#running
    if (this.#running.size > OVERLAP_MAX) oldest!.abort()
  }

  async #ask(member: M, slow: NodeJS.Timeout): Promise<void> {
    const over = new AbortController()
    this.#running.add(over)
    try {
      const answer = await this.#send(member, over.signal)
      if (over.signal.aborted) return
      this.#members.answered(member, performance.now())
      this.#settle?.resolve(answer)
    } catch (error) {
      if (over.signal.aborted) return
      if (error instanceof EtcdUnavailable && !isFinal(error)) this.#failed(member, error, slow)
      else this.#settle?.reject(error)
    } finally {
      this.#running.delete(over)
    }
  }

  #failed(member: M, fault: EtcdUnavailable, slow: NodeJS.Timeout): void {
    this.#members.failed(member, performance.now())
    this.#faults.set(member, fault)
    if (this.#faults.size === this.#members.size && [...this.#faults.values()].every(isLasting)) {
      this.#settle?.reject(this.#summary())
      return
    }
    // A later attempt is under way already.
    if (this.#timer !== slow) return
    clearTimeout(slow)
    // Members that have not been asked yet are asked at once, and all of them again after a pause.
    if (this.#tried.size < this.#members.size) this.#next()
    else this.#timer = setTimeout(() => this.#next(), ROUND_PAUSE_MS)
  }

  /** The fault of a request that no member answered: what they have in common, and each of them on the hint's line. */
  #summary(): EtcdUnavailable {
    const all = [...this.#faults.values()]
    const each = [...this.#faults].map(([{ endpoint }, { reason }]) => `${endpoint}: ${reason}`).join('; ')
    const first = all.find(({ kind }) => kind === 'no-majority') ?? (all.every(isLasting) ? all[0] : undefined)
    if (first !== undefined) return new EtcdUnavailable(first.kind, first.reason, first.hint ?? each)
    const reason = `no answer of etcd within ${this.#limits.withinMs / 1_000} s`
    return new EtcdUnavailable('no-answer', reason, each === '' ? undefined : each)
  }
}
