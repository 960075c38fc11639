import type { Address } from '../packet/address.ts'
import type { Packet } from '../packet/packet.ts'
import { sipHash } from '../packet/siphash.ts'
import { KEPT_MAX, SOURCES_MAX, STRANGERS_MAX } from './bounds.ts'
import type { SourceBounds } from './bounds.ts'
import { ones, touchBit } from './sketch.ts'

/** The rank of sources kept without an attempt. Other ranks are the furthest stage of a source's attempts: 0 to 32. */
export const KEPT = 33
const RANKS = KEPT + 1
/** The number of a source's last knocks that are kept to detect retransmissions. */
export const REMEMBERED_PACKETS = 4
/** The end of a list: there is no source or no attempt. */
export const NONE = -1

/** The number of words that a source takes. It is one cache line, so that a look-up costs one cache miss. */
const STRIDE = 16
/** The words of a source. */
const A = 0
const B = 1
const C = 2
const D = 3
const STATUS = 4
const ATTEMPT = 5
const PREVIOUS = 6
const NEXT = 7
const PRINT = 8
const TOUCHES = 12
const WRONG_CODES = 13
const SINCE = 14
/** The time at which the source entered its rank (upper half), and the port of its last wrong code (lower half). */
const ENTERED = 15
const ENTERED_SHIFT = 16
const CODE_PORT_BITS = 0xffff
/** Tenths of a second in the unit of {@link ENTERED}. The 16 bits wrap around after 36 hours. */
const ENTERED_UNIT = 20
/** The bits of a source's status word. */
const RANK_BITS = 0x3f
const IPV6_BIT = 0x40
const IGNORED_BIT = 0x80
const TURN_SHIFT = 8
const LINK_SHIFT = 10
const LINK_BITS = 0x1f

/**
 * The sources that knocked recently, in a flat hash table of fixed size. Sources of the same rank form a list, oldest
 * first. The head of the list is evicted first.
 *
 * Times are in tenths of a second since the gate's first packet, so that they fit into a word.
 */
export class Sources {
  readonly #bounds: SourceBounds
  readonly #key0: number
  readonly #key1: number
  /** Slot numbers plus one by hash, with linear probing; 0 is empty. */
  readonly #index: Int32Array
  readonly #mask: number
  readonly #words: Int32Array
  readonly #heads = new Int32Array(RANKS).fill(NONE)
  readonly #tails = new Int32Array(RANKS).fill(NONE)
  readonly #sizes = new Int32Array(RANKS)
  /** The first slot never used. Released slots form a list through their NEXT word. */
  #fresh = 0
  #free = NONE
  #count = 0

  /** @param seed two secret random words */
  constructor(
    seed: readonly [number, number],
    bounds: SourceBounds = { sources: SOURCES_MAX, strangers: STRANGERS_MAX, kept: KEPT_MAX },
  ) {
    this.#key0 = seed[0]
    this.#key1 = seed[1]
    this.#bounds = bounds
    this.#words = new Int32Array(bounds.sources * STRIDE)
    this.#index = new Int32Array(2 ** Math.ceil(Math.log2(bounds.sources * 2)))
    this.#mask = this.#index.length - 1
  }

  /** The number of known sources. */
  get count(): number {
    return this.#count
  }

  /** Returns true if the number of sources without an attempt is at its bound. */
  get manyStrangers(): boolean {
    return this.#sizes[0]! >= this.#bounds.strangers
  }

  /** Returns true if the number of sources kept without an attempt is at its bound. */
  get manyKept(): boolean {
    return this.#sizes[KEPT]! >= this.#bounds.kept
  }

  /** Returns the slot of the packet's source, or {@link NONE}. */
  find({ family, sourceA, sourceB, sourceC, sourceD }: Packet): number {
    return this.#find(family, sourceA, sourceB, sourceC, sourceD)
  }

  /** Returns the slot of an address, or {@link NONE}. */
  findAddress({ family, a, b, c, d }: Address): number {
    return this.#find(family, a, b, c, d)
  }

  #find(of: 4 | 6, sourceA: number, sourceB: number, sourceC: number, sourceD: number): number {
    const family = of === 6 ? IPV6_BIT : 0
    const words = this.#words
    let at = sipHash(this.#key0, this.#key1, sourceA, sourceB, sourceC, sourceD) & this.#mask
    for (;;) {
      const slot = this.#index[at]! - 1
      if (slot === NONE) return NONE
      const base = slot * STRIDE
      if (
        words[base + A] === sourceA &&
        words[base + B] === sourceB &&
        words[base + C] === sourceC &&
        words[base + D] === sourceD &&
        (words[base + STATUS]! & IPV6_BIT) === family
      ) {
        return slot
      }
      at = (at + 1) & this.#mask
    }
  }

  /**
   * Returns the slot to evict before another source of this rank can be added. {@link NONE} means that there is room.
   * `undefined` means that all sources have a higher rank, and nothing can be evicted.
   */
  inTheWay(rank: number): number | undefined {
    if (rank === 0 && this.manyStrangers) return this.#heads[0]!
    if (this.#count < this.#bounds.sources) return NONE
    return this.oldest(0, rank)
  }

  /** Returns the oldest source of the lowest occupied rank between `from` and `to`. */
  oldest(from: number, to: number): number | undefined {
    for (let rank = from; rank <= to; rank++) if (this.#heads[rank] !== NONE) return this.#heads[rank]!
    return undefined
  }

  /** Adds the packet's source. The source must be unknown, and there must be room. */
  add(packet: Packet, rank: number, now: number): number {
    let slot = this.#free
    if (slot === NONE) slot = this.#fresh++
    else this.#free = this.#words[slot * STRIDE + NEXT]!
    const base = slot * STRIDE
    const words = this.#words
    words.fill(0, base, base + STRIDE)
    words[base + A] = packet.sourceA
    words[base + B] = packet.sourceB
    words[base + C] = packet.sourceC
    words[base + D] = packet.sourceD
    words[base + STATUS] = packet.family === 6 ? IPV6_BIT : 0
    words[base + ATTEMPT] = NONE
    this.#count++
    this.#append(slot, rank, now)
    let at = this.#home(slot)
    while (this.#index[at] !== 0) at = (at + 1) & this.#mask
    this.#index[at] = slot + 1
    return slot
  }

  /** Removes a source. The source must not have an attempt. */
  remove(slot: number): void {
    this.#takeOut(slot)
    this.#unhash(slot)
    this.#words[slot * STRIDE + NEXT] = this.#free
    this.#free = slot
    this.#count--
  }

  /** Moves a source to the end of a rank's list. */
  rerank(slot: number, rank: number, now: number): void {
    this.#takeOut(slot)
    this.#append(slot, rank, now)
  }

  rank(slot: number): number {
    return this.#words[slot * STRIDE + STATUS]! & RANK_BITS
  }

  /** Returns tenths of a second since the source entered its rank, within two seconds. */
  sinceEntered(slot: number, now: number): number {
    const entered = this.#words[slot * STRIDE + ENTERED]! >>> ENTERED_SHIFT
    return ((Math.floor(now / ENTERED_UNIT) - entered) & CODE_PORT_BITS) * ENTERED_UNIT
  }

  /** Yields the slots of a rank, newest first. */
  *ofRank(rank: number): Generator<number, void> {
    for (let slot = this.#tails[rank]!; slot !== NONE; slot = this.#words[slot * STRIDE + PREVIOUS]!) yield slot
  }

  /** Returns the first of the source's attempts, or {@link NONE}. */
  attempt(slot: number): number {
    return this.#words[slot * STRIDE + ATTEMPT]!
  }

  setAttempt(slot: number, attempt: number): void {
    this.#words[slot * STRIDE + ATTEMPT] = attempt
  }

  /** Returns true if the source is a scanner. */
  ignored(slot: number): boolean {
    return (this.#words[slot * STRIDE + STATUS]! & IGNORED_BIT) !== 0
  }

  since(slot: number): number {
    return this.#words[slot * STRIDE + SINCE]!
  }

  /** Starts or stops ignoring a source. Both clear its wrong ports. */
  setIgnored(slot: number, ignored: boolean, now: number): void {
    const base = slot * STRIDE
    const status = this.#words[base + STATUS]!
    this.#words[base + STATUS] = ignored ? status | IGNORED_BIT : status & ~IGNORED_BIT
    this.#words[base + SINCE] = now
    this.#words[base + TOUCHES] = 0
  }

  /**
   * Records a wrong port and returns the number of distinct ones. Ports are bits of a 32-bit sketch, and two ports can
   * share a bit. A scan may therefore be noticed some ports late, but never too early.
   *
   * @param windowTenths time after the first wrong port until the count restarts, unless the source is ignored
   */
  touch(slot: number, key: number, now: number, windowTenths: number): number {
    const base = slot * STRIDE
    const words = this.#words
    if (!this.ignored(slot) && (words[base + TOUCHES] === 0 || now - words[base + SINCE]! > windowTenths)) {
      words[base + SINCE] = now
      words[base + TOUCHES] = 0
    }
    words[base + TOUCHES] = words[base + TOUCHES]! | (1 << touchBit(key))
    return ones(words[base + TOUCHES]!)
  }

  /** The source's wrong codes, as a word in the format of `wrong-codes.ts`. */
  wrongCodes(slot: number): number {
    return this.#words[slot * STRIDE + WRONG_CODES]!
  }

  setWrongCodes(slot: number, word: number): void {
    this.#words[slot * STRIDE + WRONG_CODES] = word
  }

  /** Records the port of a wrong code. Returns false if the last one was the same, as when a client tries again. */
  isNewCodePort(slot: number, port: number): boolean {
    const at = slot * STRIDE + ENTERED
    const word = this.#words[at]!
    if ((word & CODE_PORT_BITS) === port) return false
    this.#words[at] = (word & ~CODE_PORT_BITS) | port
    return true
  }

  /**
   * Returns true if the packet's print and link match one of the last packets.
   *
   * @param anyLink true for TCP, where the same print is a retransmission on any link. Datagrams have no sequence
   * number: the same print is the same datagram only on another link.
   */
  repeated(slot: number, print: number, link: number, anyLink: boolean): boolean {
    const base = slot * STRIDE
    const words = this.#words
    const status = words[base + STATUS]!
    for (let turn = 0; turn < REMEMBERED_PACKETS; turn++) {
      if (words[base + PRINT + turn] !== print) continue
      if (anyLink || ((status >>> (LINK_SHIFT + 5 * turn)) & LINK_BITS) !== (link & LINK_BITS)) return true
    }
    return false
  }

  /** Records a packet by its print and overwrites the oldest one. */
  remember(slot: number, print: number, link: number): void {
    const base = slot * STRIDE
    const words = this.#words
    const status = words[base + STATUS]!
    const turn = (status >>> TURN_SHIFT) & 3
    words[base + PRINT + turn] = print
    const linkShift = LINK_SHIFT + 5 * turn
    words[base + STATUS] =
      (status & ~((LINK_BITS << linkShift) | (3 << TURN_SHIFT))) |
      ((link & LINK_BITS) << linkShift) |
      (((turn + 1) & 3) << TURN_SHIFT)
  }

  /** Returns the source's address. */
  address(slot: number): Address {
    const base = slot * STRIDE
    const words = this.#words
    return {
      family: (words[base + STATUS]! & IPV6_BIT) === 0 ? 4 : 6,
      a: words[base + A]!,
      b: words[base + B]!,
      c: words[base + C]!,
      d: words[base + D]!,
    }
  }

  #append(slot: number, rank: number, now: number): void {
    const base = slot * STRIDE
    const words = this.#words
    const tail = this.#tails[rank]!
    words[base + STATUS] = (words[base + STATUS]! & ~RANK_BITS) | rank
    words[base + ENTERED] =
      (words[base + ENTERED]! & CODE_PORT_BITS) | (Math.floor(now / ENTERED_UNIT) << ENTERED_SHIFT)
    words[base + PREVIOUS] = tail
    words[base + NEXT] = NONE
    if (tail === NONE) this.#heads[rank] = slot
    else words[tail * STRIDE + NEXT] = slot
    this.#tails[rank] = slot
    this.#sizes[rank]!++
  }

  #takeOut(slot: number): void {
    const base = slot * STRIDE
    const words = this.#words
    const rank = words[base + STATUS]! & RANK_BITS
    const previous = words[base + PREVIOUS]!
    const next = words[base + NEXT]!
    if (previous === NONE) this.#heads[rank] = next
    else words[previous * STRIDE + NEXT] = next
    if (next === NONE) this.#tails[rank] = previous
    else words[next * STRIDE + PREVIOUS] = previous
    this.#sizes[rank]!--
  }

  #home(slot: number): number {
    const base = slot * STRIDE
    const words = this.#words
    return (
      sipHash(this.#key0, this.#key1, words[base + A]!, words[base + B]!, words[base + C]!, words[base + D]!) &
      this.#mask
    )
  }

  /** Empties the slot's place in the index, and moves up the entries behind it that a search would miss. */
  #unhash(slot: number): void {
    const index = this.#index
    let hole = this.#home(slot)
    while (index[hole] !== slot + 1) hole = (hole + 1) & this.#mask
    for (let at = (hole + 1) & this.#mask; index[at] !== 0; at = (at + 1) & this.#mask) {
      const distance = (at - this.#home(index[at]! - 1)) & this.#mask
      if (distance < ((at - hole) & this.#mask)) continue
      index[hole] = index[at]!
      hole = at
    }
    index[hole] = 0
  }
}
