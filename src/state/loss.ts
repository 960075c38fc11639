/** The reason why a store may not know all used packets and codes. */
export interface Loss {
  /**
   * `first`: the store is new, and there is no sign of an earlier one. `lost`: records of used packets and codes may be
   * lost.
   */
  readonly kind: 'first' | 'lost'
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The journal's key for the loss. */
export const LOSS_KEY = 'loss'

/** Formats a loss for the journal. */
export function formatLoss({ kind, at }: Loss): string {
  return `${kind} ${at}`
}

/** Reads the text of {@link formatLoss}; `undefined`: nothing was lost. */
export function parseLoss(text: string | undefined): Loss | undefined {
  const match = /^(first|lost) ([0-9]{1,15})$/.exec(text ?? '')
  return match === null ? undefined : { kind: match[1] as Loss['kind'], at: Number(match[2]) }
}

/** Returns the journal's key for the loss that an operator accepted for a door. */
export function acceptedKey(door: string): string {
  return `accepted\n${door}`
}
