/** Milliseconds between two knocks of the second, the third and later rounds: more than a network mixes packets up by. */
const WIDER_MS = [100, 200, 400] as const
/** The first round whose knocks are held; every other one from there on. */
const FIRST_HELD = 3
/**
 * Milliseconds for which a knock of a later round is held, so that the kernel sends its SYN once more: after one second
 * (RFC 6298, 2.1). The next knock waits for that, since the order counts.
 */
export const HELD_MS = 1_150
/** Longest that a round may take by its pauses alone, in milliseconds: knockd's own default for Seq_Timeout is 25 s. */
const ROUND_MAX_MS = 12_000

/** How the knocks of a round follow each other. */
export interface Spacing {
  /** Milliseconds between two knocks. */
  readonly pauseMs: number
  /** Milliseconds for which each socket stays, so that the kernel repeats what was lost. 0: it is closed at once. */
  readonly heldMs: number
}

/**
 * The spacing of a round, from 0. The first is as asked. Each round that failed says that the network loses packets or
 * changes their order, so the next takes longer. In every other one from the fourth on, lost SYNs are sent again; not
 * in all, because knockd takes a repeated SYN for a wrong knock.
 *
 * @param delayMs what `--delay` says
 * @param knocks how many there are
 */
export function spacingOf(round: number, delayMs: number, knocks: number): Spacing {
  if (round === 0) return { pauseMs: delayMs, heldMs: 0 }
  const held = round >= FIRST_HELD && (round - FIRST_HELD) % 2 === 0 && HELD_MS * (knocks - 1) <= ROUND_MAX_MS
  const wider = WIDER_MS[Math.min(round, WIDER_MS.length) - 1]!
  const wanted = held ? HELD_MS : Math.min(wider, Math.floor(ROUND_MAX_MS / Math.max(1, knocks - 1)))
  return { pauseMs: Math.max(delayMs, wanted), heldMs: held ? HELD_MS : 0 }
}
