/** How a store came to know less than it may have known. */
export interface Loss {
  /**
   * `first`: it began with nothing, and nothing says that there was anything before. `lost`: what it knew of used
   * packets and codes may be gone.
   */
  readonly kind: 'first' | 'lost'
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The key under which the journal keeps it. */
export const LOSS_KEY = 'loss'

/** A loss as text, for the journal. */
export function formatLoss({ kind, at }: Loss): string {
  return `${kind} ${at}`
}

/** Reads that text; `undefined`: nothing was lost. */
export function parseLoss(text: string | undefined): Loss | undefined {
  const match = /^(first|lost) ([0-9]{1,15})$/.exec(text ?? '')
  return match === null ? undefined : { kind: match[1] as Loss['kind'], at: Number(match[2]) }
}

/** The key under which the journal keeps which loss an operator has accepted for a door. */
export function acceptedKey(door: string): string {
  return `accepted\n${door}`
}
