/** Half of a second, which is the unit of the Date header (RFC 9110, 5.6.7). */
const HALF_SECOND_MS = 500
const SECOND_MS = 1_000
/** The times that a server's clock may have, in milliseconds since 1970: 2020 to 2100. */
const TIME_MIN_MS = Date.UTC(2020)
const TIME_MAX_MS = Date.UTC(2100)

/** The server's clock, as far as this device can tell. */
export interface ServerClock {
  /** Milliseconds to add to this device's clock. */
  readonly offMs: number
  /** The most milliseconds that `offMs` may be wrong by. */
  readonly withinMs: number
}

/**
 * Reads an answer's headers.
 *
 * @param sent the time of the request, and `arrived` of the answer, in milliseconds since 1970
 * @returns `undefined`: without a Date, or with an impossible one
 */
export function clockOf(
  date: string | null,
  age: string | null,
  sent: number,
  arrived: number,
): ServerClock | undefined {
  const at = Date.parse(date ?? '')
  if (!(at >= TIME_MIN_MS && at < TIME_MAX_MS) || arrived < sent) return undefined
  // A cache gives the Date of its copy, and the seconds since then (RFC 9111, 5.1).
  const ageMs = /^[0-9]{1,8}$/.test(age ?? '') ? Number(age) * SECOND_MS : 0
  const offMs = at + ageMs + HALF_SECOND_MS - (sent + arrived) / 2
  return { offMs, withinMs: HALF_SECOND_MS + (arrived - sent) / 2 + (ageMs > 0 ? SECOND_MS : 0) }
}

/** Returns what a wrong clock does to codes, for people; `undefined`: it is right, as far as one can tell. */
export function clockWords(
  { offMs, withinMs }: ServerClock,
  periodS: number,
): readonly [what: string, effect: string] | undefined {
  const seconds = Math.round(Math.abs(offMs) / SECOND_MS)
  // A few seconds do no harm.
  if (Math.abs(offMs) <= withinMs + 2 * SECOND_MS) return undefined
  const what = `This device’s clock is ${lengthOf(seconds)} ${offMs > 0 ? 'slow' : 'fast'}, by the clock of the server that sent this page.`
  if (seconds >= periodS) return [what, 'Doors refuse codes computed with it.']
  return [what, `Codes change every ${periodS} seconds: a door may refuse some computed with it.`]
}

function lengthOf(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`
  const minutes = Math.round(seconds / 60)
  if (minutes < 120) return `${minutes} minutes`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`
}
