const DAY_MS = 86_400_000
const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000
/** Days from 0000-03-01 to 1970-01-01, in the Gregorian calendar extended backwards. */
const DAYS_TO_1970 = 719_468
const DAYS_IN_400_YEARS = 146_097
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

/**
 * Reads an end date in UTC: `2027-06-30` for the end of that day, or `2027-06-30T12:00Z` (RFC 3339, 5.6, without
 * seconds). Returns the first millisecond after the end, since 1970, or `undefined` for any other text.
 */
export function readEnd(text: string): number | undefined {
  const match = /^([0-9]{4})-([0-9]{2})-([0-9]{2})(?:T([0-9]{2}):([0-9]{2})Z)?$/.exec(text)
  if (match === null) return undefined
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0] = match.slice(1).map((digits) => Number(digits ?? 0))
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined
  if (hour > 23 || minute > 59) return undefined
  const start = daysSince1970(year, month, day) * DAY_MS
  return match[4] === undefined ? start + DAY_MS : start + hour * HOUR_MS + minute * MINUTE_MS
}

function daysIn(year: number, month: number): number {
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  return month === 2 && leap ? 29 : MONTH_DAYS[month - 1]!
}

/** The year starts in March, so that the leap day is its last day. */
function daysSince1970(year: number, month: number, day: number): number {
  const from = month > 2 ? year : year - 1
  const era = Math.floor(from / 400)
  const yearOfEra = from - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * DAYS_IN_400_YEARS + dayOfEra - DAYS_TO_1970
}
