/** Most sources known at once. One takes 64 bytes, and memory is touched only as far as it is used. */
export const SOURCES_MAX = 1 << 20
/** Most sources known at once that have no attempt under way: those that only touched wrong ports, or did open. */
export const STRANGERS_MAX = 1 << 16
/**
 * Most sources kept because they scanned or made wrong codes: half of all, so that newcomers cannot push them out, nor they
 * newcomers. Packets of so many forged scanners take longer than one is ignored for.
 */
export const KEPT_MAX = SOURCES_MAX / 2

/** Bounds of the table; tests use small ones. */
export interface SourceBounds {
  readonly sources: number
  readonly strangers: number
  readonly kept: number
}
