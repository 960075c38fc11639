import type { LogEvent } from './event.ts'
import type { Entry } from './line.ts'
import { EventLane } from './event-lane.ts'
import type { Kept } from './event-lane.ts'
import { LIMITED } from './log.ts'
import type { EventSink } from './log.ts'

/** The most events that are kept, and the most memory for them in bytes. */
export const KEPT_MAX = 10_000
export const KEPT_MAX_BYTES = 8 * 1_048_576
/** The most events of one kind that unknown sources can cause, and the most memory for them in bytes. */
export const STRANGERS_KEPT_MAX = 400
export const STRANGERS_KEPT_MAX_BYTES = 256 * 1_024
/** The most events of the level debug, of all kinds. */
export const DEBUG_KEPT_MAX = 500

/** A position in the kept events, which reads them in the order in which they happened. */
export interface Cursor {
  /** Returns the next event and moves on; `undefined`: no event is left. */
  next(): Kept | undefined
  /** Returns the number of events that left before this cursor came to them, since the last call. */
  takeMissed(): number
}

/**
 * The last events, in memory. Each kind that unknown sources can cause has a lane of its own, and so have debug events, so
 * that a flood does not displace the events of owners. It keeps events as they are: forming a line costs more than that.
 */
export class KeptEvents implements EventSink {
  readonly #lanes: ReadonlyMap<string, EventLane>
  readonly #owners = new EventLane(KEPT_MAX, KEPT_MAX_BYTES)
  readonly #debug = new EventLane(DEBUG_KEPT_MAX, STRANGERS_KEPT_MAX_BYTES)
  readonly #all: readonly EventLane[]
  readonly #listeners = new Set<() => void>()
  #number = 0

  constructor() {
    const limited = [...LIMITED].filter((kind) => kind !== 'explanation')
    this.#lanes = new Map(limited.map((kind) => [kind, new EventLane(STRANGERS_KEPT_MAX, STRANGERS_KEPT_MAX_BYTES)]))
    this.#all = [this.#owners, this.#debug, ...this.#lanes.values()]
  }

  /** The number of events that are kept. */
  get count(): number {
    let sum = 0
    for (const { length } of this.#all) sum += length
    return sum
  }

  /** The memory that they take, estimated in bytes. */
  get bytes(): number {
    let sum = 0
    for (const { bytes } of this.#all) sum += bytes
    return sum
  }

  admitted(event: LogEvent, { time, level }: Entry): void {
    const lane = this.#lanes.get(event.kind) ?? (level === 'debug' ? this.#debug : this.#owners)
    lane.push({ number: ++this.#number, time, event })
    while (this.count > KEPT_MAX || this.bytes > KEPT_MAX_BYTES) this.#dropOldest()
    for (const listener of this.#listeners) listener()
  }

  /** Calls a function after each further event. Returns a function that ends that. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Returns a cursor at the oldest event. */
  read(): Cursor {
    const all = this.#all
    const places = all.map((lane) => lane.first)
    let missed = 0
    const advance = (): void => {
      for (const [index, lane] of all.entries()) {
        missed += Math.max(0, lane.first - places[index]!)
        places[index] = Math.max(places[index]!, lane.first)
      }
    }
    return {
      next: () => {
        advance()
        let found: Kept | undefined
        let from = 0
        for (const [index, lane] of all.entries()) {
          const kept = lane.at(places[index]!)
          if (kept === undefined || (found !== undefined && found.number < kept.number)) continue
          found = kept
          from = index
        }
        if (found !== undefined) places[from]!++
        return found
      },
      takeMissed: () => {
        advance()
        const count = missed
        missed = 0
        return count
      },
    }
  }

  #dropOldest(): void {
    let oldest = this.#owners
    for (const lane of this.#all) if (lane.oldest < oldest.oldest) oldest = lane
    oldest.shift()
  }
}
