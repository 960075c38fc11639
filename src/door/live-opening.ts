import { holdsOf } from '../state/holds.ts'
import type { Hold, Opening } from '../state/opening.ts'

/** An opening by commands that is live. */
export interface Live {
  /** The key of the opening among the live ones. */
  key: string
  readonly opening: Opening
  /** The holds of the opening; never empty. */
  holds: readonly Hold[]
  /** The user named in the packet that opened it last. The journal does not have it. */
  claimedUser: string | undefined
  timer: NodeJS.Timeout | undefined
  /** Settles when the start command has ended. */
  started: Promise<boolean>
  /** True if the opening may be without effect: its start command failed, or ran before this daemon started. */
  doubtful: boolean
  /** Set once it is being closed; settles when that is done. */
  closing: Promise<boolean> | undefined
}

/** Makes a live opening. @param doubtful true if the opening may be without effect */
export function liveOf(key: string, opening: Opening, doubtful: boolean): Live {
  const started = Promise.resolve(true)
  const holds = holdsOf(opening)
  return { key, opening, holds, claimedUser: undefined, timer: undefined, started, doubtful, closing: undefined }
}

/**
 * Returns true if the opening is being closed. It is a function because TypeScript assumes no change across an `await`.
 */
export function isClosing(live: Live): boolean {
  return live.closing !== undefined
}
