/**
 * Periods of a time-based code that are remembered as used. More than {@link TOTP_SKEW_MAX} leaves good at a time, so that
 * none falls off that could still be good, and some to spare: a clock that was once ahead does not shut anybody out.
 */
export const USED_PERIODS_MAX = 32

/** Which periods' codes have opened a door (RFC 6238, 5.2: each may be accepted once). */
export interface UsedPeriods {
  /** No code up to this period counts any more. */
  readonly floor: number
  /** Used ones above it, ascending. */
  readonly used: readonly number[]
  /** Length of a period, in seconds: says from when the periods are, when their secret is gone. */
  readonly periodS: number
}

/** What nothing was used of. */
export function unusedPeriods(periodS: number): UsedPeriods {
  return { floor: -1, used: [], periodS }
}

/** Whether the code of a period may still open. */
export function isUnused({ floor, used }: UsedPeriods, period: number): boolean {
  return period > floor && !used.includes(period)
}

/** The same with one period more. When there are too many, the oldest gives way, and everything before it counts as used. */
export function withUsed({ floor, used, periodS }: UsedPeriods, period: number): UsedPeriods {
  const all = [...used, period].sort((one, other) => one - other)
  const fallen = all.length > USED_PERIODS_MAX ? all.shift()! : floor
  return { floor: Math.max(floor, fallen), used: all, periodS }
}

/** As text, for the journal. */
export function formatUsed({ floor, used, periodS }: UsedPeriods): string {
  return `${periodS} ${floor} ${used.join(',')}`
}

/** Reads that text. Nothing, and what is none, is as if nothing had been used. */
export function parseUsed(text: string | undefined, periodS: number): UsedPeriods {
  const match = /^([0-9]+) (-?[0-9]+) ([0-9,]*)$/.exec(text ?? '')
  if (match === null) return unusedPeriods(periodS)
  const used = match[3] === '' ? [] : match[3]!.split(',').map(Number)
  return { periodS: Number(match[1]), floor: Number(match[2]), used }
}

/** When the newest used period began, milliseconds since 1970. */
export function newestUsedAt({ floor, used, periodS }: UsedPeriods): number {
  return Math.max(floor, used.at(-1) ?? 0) * periodS * 1000
}
