/**
 * The milliseconds between two knocks in the second, third and later rounds. That exceeds the usual reordering of
 * packets in a network.
 */
const WIDER_MS = [100, 200, 400] as const
/** The first round whose sockets are held. From then on, every other round holds them. */
const FIRST_HELD = 3
/**
 * The milliseconds for which a socket is held. The kernel sends its SYN again after one second (RFC 6298, 2.1). The
 * next knock waits for that, because the order matters.
 */
export const HELD_MS = 1_150
/** The longest total of a round's pauses in milliseconds. knockd's default for Seq_Timeout is 25 s. */
const ROUND_MAX_MS = 12_000

/** The spacing of the knocks of a round. */
export interface Spacing {
  /** Milliseconds between two knocks. */
  readonly pauseMs: number
  /** Milliseconds for which each socket stays open, so that the kernel repeats lost SYNs; 0 closes it at once. */
  readonly heldMs: number
}

/**
 * Returns the spacing of a round, counted from 0. The first round uses the requested pause. A failed round means that
 * the network loses or reorders packets, so later rounds are slower. Every other round from the fourth on also lets the
 * kernel repeat lost SYNs. The rounds between do not, because knockd treats a repeated SYN as a wrong knock.
 *
 * @param delayMs the value of `--delay`
 * @param knocks the number of knocks
 */
export function spacingOf(round: number, delayMs: number, knocks: number): Spacing {
  if (round === 0) return { pauseMs: delayMs, heldMs: 0 }
  const held = round >= FIRST_HELD && (round - FIRST_HELD) % 2 === 0 && HELD_MS * (knocks - 1) <= ROUND_MAX_MS
  const wider = WIDER_MS[Math.min(round, WIDER_MS.length) - 1]!
  const wanted = held ? HELD_MS : Math.min(wider, Math.floor(ROUND_MAX_MS / Math.max(1, knocks - 1)))
  return { pauseMs: Math.max(delayMs, wanted), heldMs: held ? HELD_MS : 0 }
}
