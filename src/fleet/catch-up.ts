import { randomBytes } from 'node:crypto'
import type { Etcd } from '../etcd/client.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import type { Log } from '../log/log.ts'
import { CatchUpAnswers } from './catch-up-answers.ts'
import type { AnswersDeps } from './catch-up-answers.ts'
import { CatchUpMessages } from './catch-up-message.ts'
import type { Answer } from './catch-up-message.ts'
import { post } from './catch-up-post.ts'
import type { Change, NewsListener, Record } from './news.ts'
import type { SeenClaims } from './seen-claims.ts'

/** Milliseconds without an answer after which nobody else is there who knows more. */
export const ALONE_MS = 3_000
/** Milliseconds within which etcd has to take a question, and its nodes and the own watch have to tell it. */
export const PROMPT_MS = 1_000
/** Milliseconds between two questions: so many, and a random time on top, so that nobody can wait for the moment. */
const ASK_EVERY_MS = 300
const ASK_JITTER_MS = 600
/** Milliseconds after which a question that failed is repeated. */
const FAULT_PAUSE_MS = 300
/** Milliseconds for which an answer that was cut keeps a host from going on alone. */
const CUT_HOLD_MS = 10_000
/** Above so many hosts, they ask one after the other: milliseconds a host, and for which a question of another one counts. */
const CROWD_HOSTS = 16
const CROWD_SPREAD_MS = 60
const CROWD_WITHIN_MS = 1_500
/** The most nodes of etcd that may be down, or behind: each host watches at two of them. */
const BEHIND_MAX = 1
const NONCE_BYTES = 16
const HINT =
  'it asks the other hosts, and goes on alone after 3 s: `postern fleet status` shows them, and the nodes of etcd'

/** The functions and values that catching up needs from its caller. */
export interface CatchUpDeps extends Omit<AnswersDeps, 'messages' | 'isCaughtUp' | 'seen' | 'etcd'> {
  readonly etcd: Pick<Etcd, 'txn' | 'applied'>
  readonly fleetKey: Uint8Array
  readonly seen: SeenClaims
  readonly log: Pick<Log, 'notice'>
  /** Called when this host knows all that was used up. */
  readonly caughtUp?: () => void
}

/**
 * A list of etcd shows what is there, and not what somebody removed before. So a host that has listed asks the others, and
 * claims wait. A host that knows all answers with the records that are not in etcd as it saw them. If none does, although
 * etcd and its nodes take questions promptly for {@link ALONE_MS}, nobody else is there.
 */
export class CatchUp implements NewsListener {
  readonly #deps: CatchUpDeps
  readonly #messages: CatchUpMessages
  readonly #answers: CatchUpAnswers
  readonly #waiting = new Set<() => void>()
  /** The number of the part that came last, by the host that answers. */
  readonly #parts = new Map<string, number>()
  /** That of the questions since the last list. */
  #nonce: string | undefined
  #isDone = false
  #listedAt = 0
  #told = 0
  #aloneNotBefore = 0
  readonly #throttle = new LogThrottle()
  #reason = 'etcd has not told yet what is used up'

  constructor(deps: CatchUpDeps) {
    this.#deps = deps
    this.#messages = new CatchUpMessages(deps.keyspace, deps.fleetKey)
    this.#answers = new CatchUpAnswers({ ...deps, messages: this.#messages, isCaughtUp: () => this.#isDone })
  }

  /** True if this host knows all that was used up. */
  get isDone(): boolean {
    return this.#isDone
  }

  /** The reason why claims wait; `undefined`: this host has caught up. */
  get waiting(): string | undefined {
    return this.#isDone ? undefined : `this host does not know yet what others used up: ${this.#reason}`
  }

  /** Waits until this host knows all that was used up. @throws EtcdUnavailable after some milliseconds */
  async done(withinMs: number): Promise<void> {
    await this.#until(() => this.#isDone, withinMs)
    if (!this.#isDone) throw new EtcdUnavailable('no-answer', this.waiting!, HINT)
  }

  listed(_records: readonly Record[], revision: string): void {
    this.#isDone = false
    this.#listedAt = Number(revision)
    this.#told = this.#listedAt
    this.#parts.clear()
    this.#answers.clear()
    this.#aloneNotBefore = 0
    this.#reason = 'no other host has answered'
    this.#nonce = randomBytes(NONCE_BYTES).toString('base64url')
    void this.#ask(this.#nonce)
    this.#wake()
  }

  changed(changes: readonly Change[]): void {
    for (const { type, kv } of changes) {
      this.#told = Math.max(this.#told, Number(kv.modRevision))
      if (type === 'put') this.#hear(kv)
    }
    this.#wake()
  }

  close(): void {
    this.#nonce = undefined
    this.#answers.close()
    this.#wake()
  }

  #hear({ key, value }: Record): void {
    const { host: own } = this.#deps
    const { kind, host = own } = this.#messages.placeOf(key) ?? {}
    if (host === own) return
    if (kind === 'question') {
      const question = this.#messages.readQuestion(host, value)
      if (question !== undefined) this.#answers.hear(host, question, this.#listedAt)
    } else if (!this.#isDone || !this.#answers.isIdle) {
      const answer = this.#messages.readAnswer(host, value)
      if (answer === undefined) return
      this.#answers.heard(answer)
      if (this.#nonce !== undefined && answer.to[own] === this.#nonce) this.#learn(host, answer)
    }
  }

  #learn(host: string, { records, part, isLast, isCaughtUp, isCut }: Answer): void {
    const { seen, clock } = this.#deps
    for (const [name, text] of records) seen.learn(name, text)
    const before = this.#parts.get(host) ?? -1
    const isNext = part === 0 || part === before + 1
    this.#parts.set(host, isNext ? part : -1)
    if (isCut) this.#aloneNotBefore = clock.steady() + CUT_HOLD_MS
    if (isNext && isLast && isCaughtUp) this.#finish(`${host} told what it saw`)
  }

  /** Asks until somebody answers, or nobody is there. */
  async #ask(nonce: string): Promise<void> {
    const { clock, random, hosts } = this.#deps
    const isOver = (): boolean => this.#isDone || this.#nonce !== nonce
    const pause = async (ms: number): Promise<void> => await this.#until(isOver, ms)
    if (this.#isCrowd() && this.#answers.firstAsker(CROWD_WITHIN_MS) !== undefined) {
      await pause(random(hosts() * CROWD_SPREAD_MS))
    }
    let since: number | undefined
    while (!isOver()) {
      const fault = await this.#question(nonce)
      if (isOver()) return
      const now = clock.steady()
      this.#reason = fault ?? 'no other host has answered'
      since = fault === undefined && now >= this.#aloneNotBefore ? (since ?? now) : undefined
      if (since !== undefined && now - since >= ALONE_MS) {
        this.#finish('no other host is there')
        return
      }
      const leftMs = since === undefined ? Infinity : since + ALONE_MS - now
      await pause(fault === undefined ? Math.min(ASK_EVERY_MS + random(ASK_JITTER_MS), leftMs) : FAULT_PAUSE_MS)
      // One of many is enough to find out that nobody is there. The others ask it afterwards.
      while (
        !isOver() &&
        this.#isCrowd() &&
        (this.#answers.firstAsker(CROWD_WITHIN_MS) ?? this.#deps.host) < this.#deps.host
      ) {
        since = undefined
        await pause(CROWD_WITHIN_MS)
      }
    }
  }

  /**
   * Asks once. Returns what keeps the others from being heard; `undefined`: nothing. All nodes but one have to have the question,
   * as each host watches at two of them.
   */
  async #question(nonce: string): Promise<string | undefined> {
    const { etcd, keyspace, host, clock, seen } = this.#deps
    const end = clock.steady() + PROMPT_MS
    const leftMs = (): number => Math.max(1, end - clock.steady())
    try {
      const told = Math.max(this.#told, seen.told)
      const revision = await post(
        this.#deps,
        keyspace.question(host),
        this.#messages.question(host, { nonce, told }),
        PROMPT_MS,
      )
      const { applied, members } = await etcd.applied(revision, BEHIND_MAX, leftMs())
      if (applied < Math.max(1, members - BEHIND_MAX))
        return `${members - applied} of ${members} nodes of etcd are behind`
      await this.#until(() => this.#told >= revision, leftMs())
      return this.#told < revision || clock.steady() > end ? 'etcd is slow' : undefined
    } catch (error) {
      return error instanceof EtcdUnavailable ? error.reason : (error as Error).message
    }
  }

  #isCrowd(): boolean {
    return this.#deps.hosts() > CROWD_HOSTS
  }

  #finish(how: string): void {
    this.#isDone = true
    const { log, clock } = this.#deps
    // Anyone who can write to etcd can bring about one gap in the news after the other.
    if (this.#throttle.due(how, clock.steady())) log.notice('notice', `caught up with the fleet: ${how}`)
    this.#wake()
    this.#answers.soon()
    this.#deps.caughtUp?.()
  }

  #wake(): void {
    for (const call of this.#waiting) call()
  }

  /** Waits for something, or for some milliseconds. */
  async #until(isThere: () => boolean, ms: number): Promise<void> {
    if (isThere()) return
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        cancel()
        this.#waiting.delete(look)
        resolve()
      }
      const look = (): void => {
        if (isThere() || this.#nonce === undefined) finish()
      }
      const cancel = this.#deps.clock.after(ms, finish)
      this.#waiting.add(look)
    })
  }
}
