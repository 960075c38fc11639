/**
 * The result of using up a secret. Only `won` may open a door. `lost`: it was used up before. `unavailable`: nobody
 * knows, so the door stays shut.
 */
export type Redemption = 'won' | 'lost' | { readonly unavailable: string }

/** The use of a value: the door it opens, and the time for which the use has to be remembered. */
export interface Use {
  /** The door that it opens. Its scope decides who has to be asked. */
  readonly door: string
  /** Milliseconds since 1970 at which the key may be forgotten; absent: never. */
  readonly until?: number
  /** The owner of the secret, if one of them can use up many. Who shares a ledger has to wait for few of one owner. */
  readonly owner?: string
}

/**
 * The one place where a secret is used up, once for all who share the ledger. A use is durable before it is answered.
 * Of several callers with the same secret at most one wins. No method throws or rejects: a ledger that cannot answer
 * in time says `unavailable`.
 */
export interface Ledger {
  /**
   * Uses up a secret that has no order, such as a one-time sequence, under its mark.
   *
   * @param shared returns the mark of the same secret at any door, for those who share it; absent: it is this door's alone
   */
  claim(door: string, mark: string, shared?: () => string): Promise<Redemption>
  /**
   * Returns true if the secret is being used up now, or is known to be used up, as after each answer `won` or `lost`.
   * It may be behind, so only {@link claim} decides.
   */
  wasClaimed(door: string, mark: string, shared?: () => string): boolean
  /**
   * Replaces the value of a key, such as a counter. `next` returns the new value for the present one, or `undefined` if
   * the secret is used up already. It is pure, as it may run several times.
   */
  advance(key: string, next: (present: string | undefined) => string | undefined, use: Use): Promise<Redemption>
  /**
   * Returns the last known value of a key. It may be behind, so only {@link advance} decides.
   *
   * @param door the door that is asked for; absent: what this host alone knows is enough
   */
  newest(key: string, door?: string): string | undefined
  /**
   * Calls back each time that uses by other hosts have become known. Returns what ends it. Absent: there are no others.
   */
  learned?(call: () => void): () => void
  /**
   * Calls back each time that another host may have advanced the value of a key, for a door. Returns what ends it. Absent: there
   * are no others.
   */
  follow?(key: string, door: string, call: () => void): () => void
}
