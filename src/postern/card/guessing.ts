import { SCAN_IGNORE_DEFAULT_MS, TOTP_SKEW_DEFAULT } from '../../config/config.ts'

const SECOND_MS = 1_000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS
const YEAR_MS = 365.25 * DAY_MS
const UNITS = [
  ['year', YEAR_MS],
  ['week', WEEK_MS],
  ['day', DAY_MS],
  ['hour', HOUR_MS],
  ['minute', MINUTE_MS],
  ['second', SECOND_MS],
] as const

/** The digits, and the average time, for which one address was measured to guess (DESIGN.md, wrong codes). */
const MEASURED_DIGITS = 8
const MEASURED_MS = 15 * YEAR_MS
/** The codes a second of an attacker with very many addresses (knockd.conf(5), TIME-BASED CODES). */
const CODES_PER_S = 10_000

/** The rules of a door that decide how long guessing takes. */
export interface GuessTerms {
  /** Periods on either side of the present one whose codes are valid. */
  readonly skew: number
  /** Milliseconds in which a wrong code is forgotten; `undefined`: wrong codes are not counted (Scan_Ports 0). */
  readonly scanIgnoreMs: number | undefined
}

/** The rules of a door whose config has no line about them. */
export const GUESS_DEFAULTS: GuessTerms = { skew: TOTP_SKEW_DEFAULT, scanIgnoreMs: SCAN_IGNORE_DEFAULT_MS }

/** The average times until a code is guessed, in milliseconds. */
export interface GuessTimes {
  readonly oneAddressMs: number
  readonly manyAddressesMs: number
}

/** Estimates how long codes of so many digits last against guessing, without a sequence before them. */
export function guessTimes(digits: number, { skew, scanIgnoreMs }: GuessTerms): GuessTimes {
  const valid = 2 * skew + 1
  const manyAddressesMs = (10 ** digits / valid / CODES_PER_S) * SECOND_MS
  if (scanIgnoreMs === undefined) return { oneAddressMs: manyAddressesMs, manyAddressesMs }
  const perCode = (2 * TOTP_SKEW_DEFAULT + 1) / valid / 10 ** (MEASURED_DIGITS - digits)
  return { oneAddressMs: MEASURED_MS * perCode * (scanIgnoreMs / SCAN_IGNORE_DEFAULT_MS), manyAddressesMs }
}

/** Formats a time for people in one unit, as in `8 weeks`. */
export function spanText(ms: number): string {
  const [name, unit] = UNITS.find(([, each]) => ms >= 2 * each) ?? UNITS.at(-1)!
  const count = Math.max(1, Math.round(ms / unit))
  return `${count} ${name}${count === 1 ? '' : 's'}`
}

/** Says in figures what fewer digits mean. @param from the digits that were asked for */
export function guessText(digits: number, from: number, terms: GuessTerms): string {
  const [now, asked] = [guessTimes(digits, terms), guessTimes(from, terms)]
  return `guessing is ${10 ** (from - digits)} times easier with ${digits} digits than with ${from}:
  from one address ${spanText(now.oneAddressMs)} on average (${spanText(asked.oneAddressMs)} with ${from});
  from very many, at 10,000 codes a second, ${spanText(now.manyAddressesMs)} (${spanText(asked.manyAddressesMs)})
`
}
