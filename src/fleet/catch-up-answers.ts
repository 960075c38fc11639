import { LruMap } from '../limit/lru-map.ts'
import { post } from './catch-up-post.ts'
import type { PostDeps } from './catch-up-post.ts'
import { PART_MAX_CHARS } from './catch-up-message.ts'
import type { Answer, CatchUpMessages, Question } from './catch-up-message.ts'
import type { Keyspace } from './keyspace.ts'
import type { SeenClaims } from './seen-claims.ts'
import type { Clock } from '../secret/clock.ts'

/** The most hosts whose questions are remembered. */
export const ASKERS_MAX = 4_096
/** Milliseconds after which a question that is not repeated gets no answer. Hosts repeat it each second. */
const ASKED_FOR_MS = 5_000
/** Milliseconds over which answers are spread: for each host of the fleet, and at most. One answer is enough. */
const SPREAD_MS = 4
const SPREAD_MAX_MS = 1_000
/** Milliseconds between two answers of a host, and before an answer that failed is tried again. */
export const ANSWER_EVERY_MS = 50
const AGAIN_MS = 100
/** The most milliseconds for each part of an answer. */
const PART_WITHIN_MS = 1_000
/** The most parts of an answer (12 MB), and the milliseconds before the next answer after one that was cut. */
export const PARTS_MAX = 16
const CUT_EVERY_MS = 5_000
/** The most messages of other hosts that are remembered for a host that asks. */
const TOLD_MAX = 64

/** The records of a message, by their names. All hosts that got the message share them. */
interface Told {
  readonly number: number
  readonly texts: ReadonlyMap<string, string>
}

/** 1: an answer of a host that knows something; 2: of one that knows all. */
type Level = 0 | 1 | 2

/** A host that asked. */
interface Asker extends Question {
  /** Milliseconds of the steady clock. */
  readonly heardAt: number
  /** True if a host has answered that knows all. */
  readonly isAnswered: boolean
  /** The answer of this host that was given, or was not needed. */
  readonly level: Level
  /** The records that other hosts have sent to it. */
  readonly known: readonly Told[]
  /** Milliseconds of the steady clock at which it may be answered again. */
  readonly notBefore: number
}

/** The functions and values that answers need from their caller. */
export interface AnswersDeps extends Omit<PostDeps, 'clock'> {
  readonly clock: Pick<Clock, 'now' | 'steady' | 'after'>
  readonly keyspace: Keyspace
  readonly messages: CatchUpMessages
  readonly host: string
  readonly seen: Pick<SeenClaims, 'isChecked' | 'missed' | 'round'>
  /** Returns the number of hosts of the fleet. */
  readonly hosts: () => number
  /** Returns a random number from 0 to below the given one. */
  readonly random: (below: number) => number
  /** Returns true if this host knows all used secrets. */
  readonly isCaughtUp: () => boolean
}

/**
 * Answers hosts that catch up, many with one message. An answer has the records that etcd lacks and this host has seen.
 * A host that knows all always answers, unless another one has. Any other host answers only if it has such records.
 */
export class CatchUpAnswers {
  readonly #deps: AnswersDeps
  #askers = new LruMap<string, Asker>(ASKERS_MAX)
  #cancel: (() => void) | undefined
  #isAnswering = false
  /** Milliseconds of the steady clock at which a question was heard last. */
  #heardAt = -Infinity
  #messages = 0
  #cancelForget: (() => void) | undefined
  #isClosed = false

  constructor(deps: AnswersDeps) {
    this.#deps = deps
  }

  /** True if nobody waits for an answer. */
  get isIdle(): boolean {
    return this.#deps.clock.steady() - this.#heardAt > ASKED_FOR_MS
  }

  /** Forgets all questions: after a new list, the hosts ask again. */
  clear(): void {
    this.#askers = new LruMap(ASKERS_MAX)
    this.#heardAt = -Infinity
  }

  close(): void {
    this.#isClosed = true
    this.#cancel?.()
    this.#cancelForget?.()
  }

  /** Returns the first host by name that asked in the last milliseconds. */
  firstAsker(withinMs: number): string | undefined {
    const since = this.#deps.clock.steady() - withinMs
    return Array.from(this.#askers)
      .flatMap(([host, { heardAt }]) => (heardAt >= since ? [host] : []))
      .sort()[0]
  }

  /**
   * Receives a question. A repeated one, or one from before this host's own list, may be a copy and gets no answer.
   *
   * @param listedAt the revision of the list
   */
  hear(host: string, { nonce, told }: Question, listedAt: number): void {
    const before = this.#askers.peek(host)
    if (told < listedAt || (before !== undefined && told <= before.told)) return
    const same = before?.nonce === nonce ? before : undefined
    const { isAnswered = false, level = 0, known = [], notBefore = 0 } = same ?? {}
    this.#heardAt = this.#deps.clock.steady()
    this.#askers.set(host, { nonce, told, heardAt: this.#heardAt, isAnswered, level, known, notBefore })
    this.soon()
  }

  /** Receives the answer of another host, which may replace one of this host. */
  heard({ to, records, isLast, isCaughtUp }: Answer): void {
    let told: readonly Told[] | undefined
    for (const [host, nonce] of Object.entries(to)) {
      const asker = this.#askers.peek(host)
      if (asker?.nonce !== nonce) continue
      told ??= records.length === 0 ? [] : [{ number: this.#messages++, texts: new Map(records) }]
      const known = [...asker.known, ...told].slice(-TOLD_MAX)
      this.#askers.set(host, { ...asker, known, isAnswered: asker.isAnswered || (isLast && isCaughtUp) })
    }
    this.#cancelForget ??= this.#deps.clock.after(ASKED_FOR_MS, () => this.#forget())
  }

  /** Forgets records sent to hosts that have stopped asking: up to 12 MB for each of a thousand hosts. */
  #forget(): void {
    this.#cancelForget = undefined
    const since = this.#deps.clock.steady() - ASKED_FOR_MS
    for (const [host, asker] of Array.from(this.#askers)) {
      if (asker.heardAt < since) this.#askers.set(host, { ...asker, known: [] })
      else this.#cancelForget ??= this.#deps.clock.after(ASKED_FOR_MS, () => this.#forget())
    }
  }

  /** Answers, after a random time. */
  soon(): void {
    const { random, hosts } = this.#deps
    this.#plan(1 + random(Math.max(1, Math.min(SPREAD_MAX_MS, hosts() * SPREAD_MS))))
  }

  #plan(ms: number): void {
    if (!this.#isAnswering && !this.#isClosed) this.#cancel ??= this.#deps.clock.after(ms, () => void this.#answer())
  }

  /** Records the result of an answer. */
  #note(host: string, nonce: string, more: Partial<Asker>): void {
    const asker = this.#askers.peek(host)
    if (asker?.nonce === nonce) this.#askers.set(host, { ...asker, ...more })
  }

  async #answer(): Promise<void> {
    this.#cancel = undefined
    this.#isAnswering = true
    const isDone = await this.#tell()
    this.#isAnswering = false
    if (isDone !== undefined) this.#plan(isDone ? ANSWER_EVERY_MS : AGAIN_MS)
  }

  /** Returns false if the answer has to be tried again, and `undefined` if nobody waits. */
  async #tell(): Promise<boolean | undefined> {
    const { clock, seen, isCaughtUp, host, keyspace, messages } = this.#deps
    const now = clock.steady()
    const level = isCaughtUp() ? 2 : 1
    const fresh = Array.from(this.#askers).filter(
      ([, asker]) => asker.level < level && now - asker.heardAt <= ASKED_FOR_MS && now >= asker.notBefore,
    )
    if (fresh.length === 0) return undefined
    const { round, isChecked } = seen
    const missed = seen.missed()
    const hasMore = moreThan(missed)
    const waiting = fresh.filter(
      ([, { isAnswered, known }]) => !isChecked || (level === 2 && !isAnswered) || hasMore(known),
    )
    const to = Object.fromEntries(waiting.map(([asker, { nonce }]) => [asker, nonce]))
    for (const [asker, { nonce }] of fresh) if (to[asker] === undefined) this.#note(asker, nonce, { level })
    if (waiting.length === 0) return undefined
    const parts = partsOf(missed)
    const sent = parts.slice(0, PARTS_MAX)
    const isCut = sent.length < parts.length || !isChecked
    try {
      for (const [part, records] of sent.entries()) {
        // After a new list, this host asks for the older records again.
        if (seen.round !== round) return undefined
        const isLast = part === sent.length - 1
        const answer = { to, isCaughtUp: level === 2 && !isCut, records, part, isLast, isCut }
        // oxlint-disable-next-line no-await-in-loop -- in this order
        await post(this.#deps, keyspace.answer(host), messages.answer(host, answer), PART_WITHIN_MS)
      }
    } catch {
      return false
    }
    const more = isCut ? { notBefore: clock.steady() + CUT_EVERY_MS } : ({ level } as const)
    for (const [asker, { nonce }] of waiting) this.#note(asker, nonce, more)
    return true
  }
}

/**
 * Returns a function that tells whether some records are new to a host. Hosts with the same records share one search.
 */
function moreThan(missed: Answer['records']): (known: readonly Told[]) => boolean {
  const results = new Map<string, boolean>()
  return (known) => {
    const key = known.map(({ number }) => number).join()
    let result = results.get(key)
    if (result === undefined) {
      result = missed.some(([name, text]) => !known.some(({ texts }) => texts.get(name) === text))
      results.set(key, result)
    }
    return result
  }
}

/** Divides records into parts that etcd accepts, at least one. */
function partsOf(records: Answer['records']): readonly Answer['records'][] {
  const parts: (readonly [string, string])[][] = [[]]
  let chars = 0
  for (const record of records) {
    chars += record[0].length + record[1].length
    if (chars > PART_MAX_CHARS) {
      parts.push([])
      chars = record[0].length + record[1].length
    }
    parts.at(-1)!.push(record)
  }
  return parts
}
