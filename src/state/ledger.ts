/** The state a journal keeps: what its records mean is its own matter. */
export interface Ledger {
  /** Takes a durable record in; `false` if it says nothing this version knows. Must not throw. */
  apply(value: unknown): boolean
  /** Records that make the present state anew, and how many these are. */
  snapshot(): Iterable<unknown>
  readonly size: number
  /** Told before it is written that it begins with nothing, or that records may be gone that had been durable. */
  lacks(kind: 'first' | 'lost'): void
}
