/** A fault found in a state file, and its consequence. */
export interface StateFault {
  /**
   * `torn`: the last write was incomplete, as after a crash; no acknowledged record is lost. `damaged`: records that
   * were on disk are lost; the doors that they opened stay open. `failed`: the file cannot be written; nothing may be
   * opened until it can.
   */
  readonly kind: 'torn' | 'damaged' | 'failed'
  /** Lower case, no full stop. */
  readonly message: string
  /** A hint for the operator, if there is one. */
  readonly hint?: string
}

/** Makes the fault of a journal that lacks records. `more` adds to the hint for the operator. */
export function lossOf(message: string, more?: string): StateFault {
  const hint = 'check the firewall: doors opened by lost records stay open'
  return { kind: 'damaged', message, hint: more === undefined ? hint : `${hint}; ${more}` }
}

/** The reason why a record was refused. */
export type JournalReason = 'failed' | 'closed' | 'full' | 'too long'

/** A record is not durable. The action that it records must not happen. */
export class JournalError extends Error {
  readonly reason: JournalReason

  constructor(reason: JournalReason, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JournalError'
    this.reason = reason
  }

  /** Returns true if the disk failed. A later record may succeed, and `cause` is the system's error. */
  isFailure(): boolean {
    return this.reason === 'failed'
  }
}
