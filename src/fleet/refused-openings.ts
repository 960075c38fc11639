import type { KeyObject } from 'node:crypto'
import { LruMap } from '../limit/lru-map.ts'
import type { OpeningEvent } from './opening-event.ts'

/** Most events that were refused for the present, and are judged again. */
export const REFUSED_MAX = 1_024
/** Milliseconds until an event is judged again: at first, and at most. */
export const JUDGED_FIRST_MS = 500
export const JUDGED_MAX_MS = 30_000
/** Most events that are judged again at a time. */
const AT_A_TIME_MAX = 16

/** An event whose signature is that of its host. */
export interface SignedEvent {
  readonly host: string
  readonly key: string
  readonly value: string
  readonly event: OpeningEvent
  /** The key under which it was checked. */
  readonly by: KeyObject
  /** Milliseconds until it is judged again if it is refused. */
  readonly waitMs?: number
}

/** The events that this host refuses for the present. A user or a door may come, or a clock be set. */
export class RefusedOpenings {
  readonly #refused = new LruMap<string, { readonly signed: SignedEvent; readonly dueAt: number }>(REFUSED_MAX)

  /** @param now milliseconds of a steady clock */
  add(signed: SignedEvent, now: number): void {
    const { waitMs = JUDGED_FIRST_MS } = signed
    const next = { ...signed, waitMs: Math.min(waitMs * 2, JUDGED_MAX_MS) }
    this.#refused.set(signed.key, { signed: next, dueAt: now + waitMs })
  }

  /**
   * Takes out the events that are due, and those whose time is over.
   *
   * @param now milliseconds of a steady clock
   * @param wall milliseconds since 1970
   */
  due(now: number, wall: number): readonly SignedEvent[] {
    const due: SignedEvent[] = []
    for (const [key, { signed, dueAt }] of this.#refused) {
      const isOver = signed.event.until <= wall
      if (!isOver && (dueAt > now || due.length >= AT_A_TIME_MAX)) continue
      this.#refused.delete(key)
      if (!isOver) due.push(signed)
    }
    return due
  }
}
