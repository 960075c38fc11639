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

/** A record is not durable. The action that it records must not happen. After `failed`, a later record may succeed. */
export class JournalError extends Error {
  readonly reason: 'failed' | 'closed' | 'full' | 'too long'

  constructor(reason: JournalError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'JournalError'
    this.reason = reason
  }
}
