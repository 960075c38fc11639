import { holdsOf } from '../state/holds.ts'
import type { Opening } from '../state/opening.ts'
import type { LiveOpening } from './live-opener.ts'

/** An opening by commands that is live. */
export interface CommandOpening extends LiveOpening {
  /** Settles when the start command has ended. */
  started: Promise<boolean>
  /** True if the opening may be without effect: its start command failed, or ran before this daemon started. */
  doubtful: boolean
}

/** Makes a live opening. @param doubtful true if the opening may be without effect */
export function commandOpening(key: string, opening: Opening, doubtful: boolean): CommandOpening {
  const started = Promise.resolve(true)
  return { key, opening, holds: holdsOf(opening), claimedUser: undefined, timer: undefined, started, doubtful }
}

/**
 * Returns true if the opening is being closed. It is a function because TypeScript assumes no change across an `await`.
 */
export function isClosing(live: CommandOpening): boolean {
  return live.closing !== undefined
}
