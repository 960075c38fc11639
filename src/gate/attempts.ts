import { SOURCES_MAX } from './bounds.ts'
import { NONE } from './sources.ts'

/** Most attempts under way at once. One takes 48 bytes, and memory is touched only as far as it is used. */
export const ATTEMPTS_MAX = SOURCES_MAX

/** Words an attempt takes. */
const STRIDE = 8
const STAGE = 0
const SOURCE = 1
/** Next attempt of the same source. */
const SIBLING = 2
/** Neighbours in the list of attempts with the same time limit, ordered by when they began. */
const PREVIOUS = 3
const NEXT = 4
const LIMIT = 5
/** Milliseconds from the beginning to the last knock. */
const LAST_KNOCK = 6
/** How many strays came since the first knock, how many of them in the ports of codes; whether it is quiet, and spent. */
const STRAYS = 7
const STRAYS_MAX = 0xffff
const CODE_STRAYS_SHIFT = 16
const CODE_STRAYS_MAX = 0xff
const QUIET_BIT = 1 << 24
const SPENT_BIT = 1 << 25
/** Ports of strays that are remembered, 16 bits each: a client that comes back to them is no scanner. */
const RECENT_WORDS = 2

/** One time limit and the attempts under it, the one that began first at the head. */
interface Limit {
  readonly timeoutMs: number
  head: number
  tail: number
}

/**
 * The attempts under way: a flat pool. Those with the same time limit are a list in the order in which they began, so
 * the next to time out is at the head of one of the lists, and no clock has to be asked about any other.
 */
export class Attempts {
  readonly #max: number
  readonly #words: Int32Array
  /** When each began, milliseconds since 1970. */
  readonly #began: Float64Array
  /** The ports of the last strays, the newest in the lowest bits. */
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

  /** How many attempts are under way. */
  get count(): number {
    return this.#count
  }

  get full(): boolean {
    return this.#count >= this.#max
  }

  /** Begins an attempt, the last under its time limit; the pool must not be full. */
  begin(stage: number, source: number, sibling: number, timeoutMs: number, now: number): number {
    const limit = this.#limit(timeoutMs)
    return this.#place(stage, source, sibling, limit, this.#limits[limit]!.tail, now)
  }

  /** Makes a second attempt out of one, at another stage, begun when that one began; the pool must not be full. */
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

  /** Ends an attempt. Its source's list of siblings is the caller's to mend. */
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

  /** When the attempt's first knock came, milliseconds since 1970. */
  began(attempt: number): number {
    return this.#began[attempt]!
  }

  /**
   * Counts a stray, unless it goes to a port that one of the last four went to.
   *
   * @param code it is in the ports of codes, and the attempt waits for one
   * @returns whether it is the first such
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

  /** Strays since the first knock. */
  strays(attempt: number): number {
    return this.#words[attempt * STRIDE + STRAYS]! & STRAYS_MAX
  }

  /** Those of them that were in the ports of codes while the attempt waited for one. */
  codeStrays(attempt: number): number {
    return (this.#words[attempt * STRIDE + STRAYS]! >>> CODE_STRAYS_SHIFT) & CODE_STRAYS_MAX
  }

  /** Whether nothing is said of the attempt: it began amid another one at the same sequence. */
  quiet(attempt: number): boolean {
    return (this.#words[attempt * STRIDE + STRAYS]! & QUIET_BIT) !== 0
  }

  setQuiet(attempt: number, quiet: boolean): void {
    const base = attempt * STRIDE + STRAYS
    this.#words[base] = quiet ? this.#words[base]! | QUIET_BIT : this.#words[base]! & ~QUIET_BIT
  }

  /** Whether a sequence from here has opened its door: the attempt stays for the others that begin alike. */
  spent(attempt: number): boolean {
    return (this.#words[attempt * STRIDE + STRAYS]! & SPENT_BIT) !== 0
  }

  setSpent(attempt: number): void {
    this.#words[attempt * STRIDE + STRAYS]! |= SPENT_BIT
  }

  /** No attempt times out before this, milliseconds since 1970; `Infinity` where none is under way. May be early. */
  get due(): number {
    return this.#count === 0 ? Infinity : this.#due
  }

  /** Whether the attempt's time is over. */
  late(attempt: number, now: number): boolean {
    return this.#deadline(attempt) <= now
  }

  /** An attempt whose time is over, or {@link NONE}: then `due` is exact. */
  overdue(now: number): number {
    if (now < this.#due) return NONE
    let due = Infinity
    for (const { head } of this.#limits) {
      if (head === NONE) continue
      if (this.late(head, now)) return head
      due = Math.min(due, this.#deadline(head))
    }
    this.#due = due
    return NONE
  }

  /** The attempts under way, those of each time limit in the order in which they began. */
  *all(): Generator<number, void> {
    for (const { head } of this.#limits) {
      for (let attempt = head; attempt !== NONE; attempt = this.#words[attempt * STRIDE + NEXT]!) yield attempt
    }
  }

  /** When the attempt's time is over, milliseconds since 1970. */
  deadline(attempt: number): number {
    return this.#deadline(attempt)
  }

  #deadline(attempt: number): number {
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
