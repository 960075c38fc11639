/** What was found wrong with a file of state, and what was done about it. */
export interface StateFault {
  /**
   * `torn`: the last write did not end, as after a crash; nothing is lost that had been acknowledged.
   * `damaged`: records that had been on disk are gone; doors opened in them stay open until someone looks.
   * `failed`: the file cannot be written; nothing may be opened until it can.
   */
  readonly kind: 'torn' | 'damaged' | 'failed'
  /** Lower case, no full stop. */
  readonly message: string
  /** What the operator can do, where something can be said. */
  readonly hint?: string
}

/** A journal that lacks records. `more`: what else the operator can do. */
export function lossOf(message: string, more?: string): StateFault {
  const hint = 'a door opened in a lost record stays open: look at the firewall'
  return { kind: 'damaged', message, hint: more === undefined ? hint : `${hint}; ${more}` }
}

/** Why a record was not taken. */
export type JournalReason = 'failed' | 'closed' | 'full' | 'too long'

/** A record that is not durable: what it would have noted must not be done. */
export class JournalError extends Error {
  readonly reason: JournalReason

  constructor(reason: JournalReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JournalError'
    this.reason = reason
  }

  /** The disk failed; a later record may succeed. `cause` is the system's error. */
  isFailure(): boolean {
    return this.reason === 'failed'
  }
}
