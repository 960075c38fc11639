/**
 * Most used periods of a time-based code that are remembered. {@link TOTP_SKEW_MAX} leaves fewer valid at a time, so no
 * valid period is dropped. The spare ones keep a clock that was once ahead from locking anybody out.
 */
export const USED_PERIODS_MAX = 32

/** The periods whose codes have opened a door (RFC 6238, 5.2: each may be accepted once). */
export interface UsedPeriods {
  /** No code of this period, or of an earlier one, counts. */
  readonly floor: number
  /** Used periods above `floor`, ascending. */
  readonly used: readonly number[]
  /** Length of a period, in seconds. It dates the periods when their secret no longer exists. */
  readonly periodS: number
}

/** Returns the state in which no period was used. */
export function unusedPeriods(periodS: number): UsedPeriods {
  return { floor: -1, used: [], periodS }
}

/** Returns true if the code of a period may still open the door. */
export function isUnused({ floor, used }: UsedPeriods, period: number): boolean {
  return period > floor && !used.includes(period)
}

/** Adds a used period. With too many, the oldest is dropped, and it and all earlier periods count as used. */
export function withUsed({ floor, used, periodS }: UsedPeriods, period: number): UsedPeriods {
  const all = [...used, period].sort((one, other) => one - other)
  const fallen = all.length > USED_PERIODS_MAX ? all.shift()! : floor
  return { floor: Math.max(floor, fallen), used: all, periodS }
}

/** Formats used periods for the journal. */
export function formatUsed({ floor, used, periodS }: UsedPeriods): string {
  return `${periodS} ${floor} ${used.join(',')}`
}

/** Reads the text of {@link formatUsed}. Missing or invalid text counts as no use. */
export function parseUsed(text: string | undefined, periodS: number): UsedPeriods {
  const match = /^([0-9]+) (-?[0-9]+) ([0-9,]*)$/.exec(text ?? '')
  if (match === null) return unusedPeriods(periodS)
  const used = match[3] === '' ? [] : match[3]!.split(',').map(Number)
  return { periodS: Number(match[1]), floor: Number(match[2]), used }
}

/** Returns the beginning of the newest used period, in milliseconds since 1970. */
export function newestUsedAt({ floor, used, periodS }: UsedPeriods): number {
  return Math.max(floor, used.at(-1) ?? 0) * periodS * 1000
}
