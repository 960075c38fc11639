/** The maximum number of sources at once. A source takes 64 bytes, and a slot takes memory only once it is used. */
export const SOURCES_MAX = 1 << 20
/** The maximum number of sources without an attempt. These touched wrong ports only, or have opened their door. */
export const STRANGERS_MAX = 1 << 16
/**
 * The maximum number of sources kept as scanners or for wrong codes. Half of the table keeps scanners and newcomers
 * from pushing each other out. Forging that many scanners takes longer than a scanner is ignored.
 */
export const KEPT_MAX = SOURCES_MAX / 2

/**
 * Milliseconds after a knock within which a browser's second try is not a wrong knock. The second try goes to the same
 * port from another source port. Browsers try again 250 ms after a connection that does not come up.
 */
export const SECOND_TRY_MIN_MS = 200
export const SECOND_TRY_MAX_MS = 1_000

/** The bounds of the source table. Tests use small ones. */
export interface SourceBounds {
  readonly sources: number
  readonly strangers: number
  readonly kept: number
}
