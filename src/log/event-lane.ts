import type { LogEvent } from './event.ts'

/** An event that is kept. */
export interface Kept {
  /** The number of the event since the daemon began, from 1. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly time: number
  readonly event: LogEvent
}

/** The bytes of an event besides its texts: two objects, with a word for each field. */
const EVENT_BYTES = 160
/** The bytes of a character. Texts with a character beyond Latin-1 have two. */
const CHARACTER_BYTES = 2

/** A queue of events with a greatest length. Places in it are counted from the first event that it ever had. */
export class EventLane {
  readonly #max: number
  readonly #maxBytes: number
  #kept: (Kept | undefined)[] = []
  #start = 0
  #first = 0
  #bytes = 0

  /** @param maxBytes the most memory of its events */
  constructor(max: number, maxBytes: number) {
    this.#max = max
    this.#maxBytes = maxBytes
  }

  get length(): number {
    return this.#kept.length - this.#start
  }

  /** The memory that its events take, estimated. */
  get bytes(): number {
    return this.#bytes
  }

  /** The place of its oldest event: the number of those that have left. */
  get first(): number {
    return this.#first
  }

  /** The number of its oldest event, or `Infinity`. */
  get oldest(): number {
    return this.#kept[this.#start]?.number ?? Infinity
  }

  /** Returns the event at a place, or `undefined`. */
  at(place: number): Kept | undefined {
    return this.#kept[this.#start + place - this.#first]
  }

  /** Adds an event. One that is larger than all may be is left out. */
  push(kept: Kept): void {
    const bytes = bytesOf(kept.event)
    if (bytes > this.#maxBytes) return
    this.#kept.push(kept)
    this.#bytes += bytes
    while (this.length > this.#max || this.#bytes > this.#maxBytes) this.shift()
  }

  /** Removes the oldest event. */
  shift(): void {
    const kept = this.#kept[this.#start]
    if (kept === undefined) return
    this.#kept[this.#start++] = undefined
    this.#first++
    this.#bytes -= bytesOf(kept.event)
    if (this.#start < this.#kept.length / 2) return
    this.#kept = this.#kept.slice(this.#start)
    this.#start = 0
  }
}

/** Estimates the memory of an event. */
export function bytesOf(event: LogEvent): number {
  let characters = 0
  for (const value of Object.values(event)) {
    if (typeof value === 'string') characters += value.length
    else if (Array.isArray(value)) for (const each of value as readonly string[]) characters += each.length
  }
  return EVENT_BYTES + CHARACTER_BYTES * characters
}
