/** The state that a journal keeps. The journal does not interpret its records. */
export interface JournalState {
  /** Takes in a durable record. Returns `false` if this version does not know the record. Must not throw. */
  apply(value: unknown): boolean
  /** Returns records that rebuild the present state. `size` is their number. */
  snapshot(): Iterable<unknown>
  readonly size: number
  /** Called before the journal is written: it starts empty (`first`), or durable records may be missing (`lost`). */
  lacks(kind: 'first' | 'lost'): void
}
