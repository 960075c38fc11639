import { afterAttended } from './attended.ts'
import type { AttendedTimer } from './attended.ts'
import type { Endpoints } from './endpoints.ts'
import type { Pace } from './pace.ts'
import { EtcdUnavailable, isFinal, isLasting, isReset } from './unavailable.ts'

/** Milliseconds after which a request is sent to the next member as well. */
export const ATTEMPT_MS = 350
/** Milliseconds within which a request has its answer, from the first attempt. */
export const WITHIN_MS = 3_000
/** Milliseconds before the next attempt when all members have failed. An election takes one to two seconds. */
export const ROUND_PAUSE_MS = 60

/**
 * The number of attempt times after which an attempt ends. What was handed on to a leader that stopped is never answered,
 * and would hold its connection. The first attempt goes on if it can: the cluster may just be slow.
 */
export const ATTEMPT_LIVES = 2

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
 * @param pace limits the attempts of all requests
 * @throws EtcdUnavailable without an answer in time, or when no attempt can have another one
 */
export async function attempt<M extends Member, Answer>(
  members: Endpoints<M>,
  send: (member: M, signal: AbortSignal) => Promise<Answer>,
  limits: Limits,
  closed: AbortSignal,
  pace: Pace,
): Promise<Answer> {
  return await new Attempts(members, send, limits, pace).answer(closed)
}

/** The attempts of one request. */
class Attempts<M extends Member, Answer> {
  readonly #members: Endpoints<M>
  readonly #send: (member: M, signal: AbortSignal) => Promise<Answer>
  readonly #limits: Limits
  readonly #pace: Pace
  /** The time by which the request has its answer. */
  readonly #until: number
  /** Ends each attempt that is under way. */
  readonly #running = new Set<() => void>()
  /** The number of attempts at each member, and its last fault. */
  readonly #tried = new Map<M, number>()
  readonly #faults = new Map<M, EtcdUnavailable>()
  #settle: { resolve(answer: Answer): void; reject(error: unknown): void } | undefined
  /** Begins the next attempt. */
  #timer: AttendedTimer | undefined
  #leaveQueue = (): void => undefined

  constructor(
    members: Endpoints<M>,
    send: (member: M, signal: AbortSignal) => Promise<Answer>,
    limits: Limits,
    pace: Pace,
  ) {
    this.#members = members
    this.#send = send
    this.#limits = limits
    this.#until = performance.now() + limits.withinMs
    this.#pace = pace
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
      this.#timer?.cancel()
      closed.removeEventListener('abort', onClosed)
      this.#leaveQueue()
      for (const end of this.#running) end()
    }
  }

  #next(): void {
    this.#timer = undefined
    this.#leaveQueue = this.#pace.enter(this.#until, () => this.#begin())
  }

  /** Asks the member that was asked least. */
  #begin(): void {
    const began = performance.now()
    const order = this.#members.order(began)
    const least = Math.min(...order.map((member) => this.#tried.get(member) ?? 0))
    const member = order.find((each) => (this.#tried.get(each) ?? 0) === least)!
    const isFirst = this.#tried.size === 0
    this.#tried.set(member, least + 1)
    this.#members.asks(member)
    const slow = afterAttended(this.#limits.attemptMs, () => {
      this.#members.failed(member, performance.now(), began)
      this.#pace.failed(began)
      if (this.#timer === slow) this.#next()
    })
    this.#timer = slow
    void this.#ask(member, slow, began, isFirst)
  }

  async #ask(member: M, slow: AttendedTimer, began: number, isFirst: boolean): Promise<void> {
    const over = new AbortController()
    let isKept = false
    const end = (): void => {
      if (!this.#running.delete(end)) return
      slow.cancel()
      life.cancel()
      if (isKept) this.#pace.drop()
      else this.#pace.leave()
      over.abort()
    }
    const life = afterAttended(this.#limits.attemptMs * ATTEMPT_LIVES, () => {
      if (isFirst && this.#pace.keep()) isKept = true
      else end()
    })
    this.#running.add(end)
    try {
      const answer = await this.#send(member, over.signal)
      if (over.signal.aborted) return
      const now = performance.now()
      this.#members.answered(member, now)
      this.#pace.answered(now)
      this.#settle?.resolve(answer)
    } catch (error) {
      if (over.signal.aborted) return
      end()
      if (error instanceof EtcdUnavailable && !isFinal(error)) this.#failed(member, error, slow, began)
      else this.#settle?.reject(error)
    } finally {
      end()
    }
  }

  #failed(member: M, fault: EtcdUnavailable, slow: AttendedTimer, began: number): void {
    this.#members.failed(member, performance.now())
    this.#pace.failed(began, fault)
    this.#faults.set(member, fault)
    if (this.#faults.size === this.#members.size && [...this.#faults.values()].every(isLasting)) {
      this.#settle?.reject(this.#summary())
      return
    }
    // A later attempt is under way already.
    if (this.#timer !== slow) return
    // Members that have not been asked yet are asked at once, and all of them again after a pause.
    if (this.#tried.size < this.#members.size) this.#next()
    else this.#timer = afterAttended(ROUND_PAUSE_MS, () => this.#next())
  }

  /** The fault of a request that no member answered: what they have in common, and each of them on the hint's line. */
  #summary(): EtcdUnavailable {
    const { fault } = this.#pace
    // It only waited, while others tried.
    if (this.#tried.size === 0 && fault !== undefined) return fault
    const all = [...this.#faults.values()]
    const each = [...this.#faults].map(([{ endpoint }, { reason }]) => `${endpoint}: ${reason}`).join('; ')
    const first = all.find(({ kind }) => kind === 'no-majority') ?? (all.every(isLasting) ? all[0] : undefined)
    if (first !== undefined) return new EtcdUnavailable(first.kind, first.reason, first.hint ?? each)
    const reason = `no answer of etcd within ${Number((this.#limits.withinMs / 1_000).toFixed(1))} s`
    const kind = all.length > 0 && all.every(isReset) ? 'reset' : 'no-answer'
    return new EtcdUnavailable(kind, reason, each === '' ? undefined : each)
  }
}
