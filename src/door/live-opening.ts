import { holdsOf } from '../state/holds.ts'
import type { Hold, Opening } from '../state/opening.ts'

/** An opening by commands that is live. */
export interface Live {
  /** Its place among the live ones. */
  key: string
  readonly opening: Opening
  /** Who holds it; never empty. */
  holds: readonly Hold[]
  /** Whom the packet that opened it last claims to be by; the journal does not have it. */
  claimedUser: string | undefined
  timer: NodeJS.Timeout | undefined
  /** Settles when the start command has ended. */
  started: Promise<boolean>
  /** Not known to be open: its start command failed, or ran before this daemon started. */
  doubtful: boolean
  /** Set once it is being closed; settles when that is over. */
  closing: Promise<boolean> | undefined
}

/** An opening that is live from now on. @param doubtful it is not known to be open */
export function liveOf(key: string, opening: Opening, doubtful: boolean): Live {
  const started = Promise.resolve(true)
  const holds = holdsOf(opening)
  return { key, opening, holds, claimedUser: undefined, timer: undefined, started, doubtful, closing: undefined }
}

/** A function, as a value that others change while one waits is not seen to change in line. */
export function isClosing(live: Live): boolean {
  return live.closing !== undefined
}
