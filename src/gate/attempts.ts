import { SOURCES_MAX } from './bounds.ts'
import { NONE } from './sources.ts'

/** The maximum number of attempts at once. An attempt takes 48 bytes, and a slot takes memory only once it is used. */
export const ATTEMPTS_MAX = SOURCES_MAX

/** The number of words that an attempt takes. */
const STRIDE = 8
const STAGE = 0
const SOURCE = 1
/** The next attempt of the same source. */
const SIBLING = 2
/** Neighbours in the list of attempts with the same time limit, oldest first. */
const PREVIOUS = 3
const NEXT = 4
const LIMIT = 5
/** Milliseconds from the beginning to the last knock. */
const LAST_KNOCK = 6
/** Strays since the first knock, those to code ports among them, the quiet bit, and the spent bit. */
const STRAYS = 7
const STRAYS_MAX = 0xffff
const CODE_STRAYS_SHIFT = 16
const CODE_STRAYS_MAX = 0xff
const QUIET_BIT = 1 << 24
const SPENT_BIT = 1 << 25
/** The ports of the last four strays, 16 bits each. A client that returns to these ports is not a scanner. */
const RECENT_WORDS = 2

/** A time limit and its attempts. The head of the list is the oldest attempt. */
interface Limit {
  readonly timeoutMs: number
  head: number
  tail: number
}

/**
 * The attempts in progress, in a flat pool. Attempts with the same time limit form a list, oldest first. The next
 * attempt to time out is therefore at the head of a list.
 */
export class Attempts {
  readonly #max: number
  readonly #words: Int32Array
  /** The start of each attempt, in milliseconds since 1970. */
  readonly #began: Float64Array
  /** The ports of the last strays, with the newest in the lowest bits. */
  readonly #recent: Int32Array
  readonly #limits: Limit[] = []
  readonly #limitOf = new Map<number, number>()
  #fresh = 0
  #free = NONE
  #count = 0
  #due = Infinity

  constructor(max = ATTEMPTS_MAX) {
    this.#max = max
    this.#words = new Int32Array(max * STRIDE)
    this.#began = new Float64Array(max)
    this.#recent = new Int32Array(max * RECENT_WORDS)
  }

  /** The number of attempts in progress. */
  get count(): number {
    return this.#count
  }

  get full(): boolean {
    return this.#count >= this.#max
  }

  /** Begins an attempt and puts it last under its time limit. The pool must not be full. */
  begin(stage: number, source: number, sibling: number, timeoutMs: number, now: number): number {
    const limit = this.#limit(timeoutMs)
    return this.#place(stage, source, sibling, limit, this.#limits[limit]!.tail, now)
  }

  /** Copies an attempt to another stage and keeps its start time. The pool must not be full. */
  fork(attempt: number, stage: number, sibling: number): number {
    const base = attempt * STRIDE
    const words = this.#words
    const began = this.#began[attempt]!
    const fork = this.#place(stage, words[base + SOURCE]!, sibling, words[base + LIMIT]!, attempt, began)
    words[fork * STRIDE + STRAYS] = words[base + STRAYS]!
    this.#recent[fork * RECENT_WORDS] = this.#recent[attempt * RECENT_WORDS]!
    this.#recent[fork * RECENT_WORDS + 1] = this.#recent[attempt * RECENT_WORDS + 1]!
    return fork
  }

  /** Ends an attempt. The caller removes it from its source's list of attempts. */
  end(attempt: number): void {
    const base = attempt * STRIDE
    const words = this.#words
    const limit = this.#limits[words[base + LIMIT]!]!
    const previous = words[base + PREVIOUS]!
    const next = words[base + NEXT]!
    if (previous === NONE) limit.head = next
    else words[previous * STRIDE + NEXT] = next
    if (next === NONE) limit.tail = previous
    else words[next * STRIDE + PREVIOUS] = previous
    words[base + NEXT] = this.#free
    this.#free = attempt
    this.#count--
  }

  stage(attempt: number): number {
    return this.#words[attempt * STRIDE + STAGE]!
  }

  setStage(attempt: number, stage: number): void {
    this.#words[attempt * STRIDE + STAGE] = stage
  }

  source(attempt: number): number {
    return this.#words[attempt * STRIDE + SOURCE]!
  }

  sibling(attempt: number): number {
    return this.#words[attempt * STRIDE + SIBLING]!
  }

  setSibling(attempt: number, sibling: number): void {
    this.#words[attempt * STRIDE + SIBLING] = sibling
  }

  /** Milliseconds since the attempt's last knock. */
  sinceKnock(attempt: number, now: number): number {
    return now - this.#began[attempt]! - this.#words[attempt * STRIDE + LAST_KNOCK]!
  }

  knocked(attempt: number, now: number): void {
    this.#words[attempt * STRIDE + LAST_KNOCK] = Math.floor(now - this.#began[attempt]!)
  }

  /** The time of the attempt's first knock, in milliseconds since 1970. */
  began(attempt: number): number {
    return this.#began[attempt]!
  }

  /**
   * Counts a stray, unless one of the last four strays went to the same port.
   *
   * @param code true if the stray went to a code port while the attempt waits for a code
   * @returns true if this is the attempt's first stray to a code port
   */
  stray(attempt: number, port: number, code: boolean): boolean {
    const recent = this.#recent
    const at = attempt * RECENT_WORDS
    const low = recent[at]!
    const high = recent[at + 1]!
    if (port === (low & 0xffff) || port === low >>> 16 || port === (high & 0xffff) || port === high >>> 16) return false
    recent[at + 1] = (high << 16) | (low >>> 16)
    recent[at] = (low << 16) | port
    const base = attempt * STRIDE + STRAYS
    const word = this.#words[base]!
    const strays = (word & STRAYS_MAX) < STRAYS_MAX ? 1 : 0
    const codes = code && this.codeStrays(attempt) < CODE_STRAYS_MAX ? 1 << CODE_STRAYS_SHIFT : 0
    this.#words[base] = word + strays + codes
    return codes > 0 && this.codeStrays(attempt) === 1
  }

  /** The number of strays since the first knock. */
  strays(attempt: number): number {
    return this.#words[attempt * STRIDE + STRAYS]! & STRAYS_MAX
  }

  /** The number of strays to code ports while the attempt waited for a code. */
  codeStrays(attempt: number): number {
    return (this.#words[attempt * STRIDE + STRAYS]! >>> CODE_STRAYS_SHIFT) & CODE_STRAYS_MAX
  }

  /** Returns true if nothing is logged of the attempt, which began during another attempt at the same sequence. */
  quiet(attempt: number): boolean {
    return (this.#words[attempt * STRIDE + STRAYS]! & QUIET_BIT) !== 0
  }

  setQuiet(attempt: number, quiet: boolean): void {
    const base = attempt * STRIDE + STRAYS
    this.#words[base] = quiet ? this.#words[base]! | QUIET_BIT : this.#words[base]! & ~QUIET_BIT
  }

  /** Returns true if a sequence from here has opened its door. The attempt stays for others that begin alike. */
  spent(attempt: number): boolean {
    return (this.#words[attempt * STRIDE + STRAYS]! & SPENT_BIT) !== 0
  }

  setSpent(attempt: number): void {
    this.#words[attempt * STRIDE + STRAYS]! |= SPENT_BIT
  }

  /**
   * The earliest time at which an attempt can time out, in milliseconds since 1970. `Infinity` means that there are no
   * attempts. The value may be too early.
   */
  get due(): number {
    return this.#count === 0 ? Infinity : this.#due
  }

  /** Returns true if the attempt has timed out. */
  late(attempt: number, now: number): boolean {
    return this.deadline(attempt) <= now
  }

  /** Returns an attempt that has timed out, or {@link NONE}. After {@link NONE}, `due` is exact. */
  overdue(now: number): number {
    if (now < this.#due) return NONE
    let due = Infinity
    for (const { head } of this.#limits) {
      if (head === NONE) continue
      if (this.late(head, now)) return head
      due = Math.min(due, this.deadline(head))
    }
    this.#due = due
    return NONE
  }

  /** Yields the attempts in progress, oldest first within each time limit. */
  *all(): Generator<number, void> {
    for (const { head } of this.#limits) {
      for (let attempt = head; attempt !== NONE; attempt = this.#words[attempt * STRIDE + NEXT]!) yield attempt
    }
  }

  /** The time at which the attempt times out, in milliseconds since 1970. */
  deadline(attempt: number): number {
    return this.#began[attempt]! + this.#limits[this.#words[attempt * STRIDE + LIMIT]!]!.timeoutMs
  }

  #place(stage: number, source: number, sibling: number, limit: number, after: number, began: number): number {
    let attempt = this.#free
    if (attempt === NONE) attempt = this.#fresh++
    else this.#free = this.#words[attempt * STRIDE + NEXT]!
    const base = attempt * STRIDE
    const words = this.#words
    const list = this.#limits[limit]!
    const next = after === NONE ? list.head : words[after * STRIDE + NEXT]!
    words[base + STAGE] = stage
    words[base + SOURCE] = source
    words[base + SIBLING] = sibling
    words[base + PREVIOUS] = after
    words[base + NEXT] = next
    words[base + LIMIT] = limit
    words[base + LAST_KNOCK] = 0
    words[base + STRAYS] = 0
    this.#recent[attempt * RECENT_WORDS] = 0
    this.#recent[attempt * RECENT_WORDS + 1] = 0
    this.#began[attempt] = began
    if (after === NONE) list.head = attempt
    else words[after * STRIDE + NEXT] = attempt
    if (next === NONE) list.tail = attempt
    else words[next * STRIDE + PREVIOUS] = attempt
    this.#count++
    this.#due = Math.min(this.#due, began + list.timeoutMs)
    return attempt
  }

  #limit(timeoutMs: number): number {
    let limit = this.#limitOf.get(timeoutMs)
    if (limit === undefined) {
      limit = this.#limits.length
      this.#limits.push({ timeoutMs, head: NONE, tail: NONE })
      this.#limitOf.set(timeoutMs, limit)
    }
    return limit
  }
}
