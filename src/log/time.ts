/**
 * Formats local time as in knockd's log: `2009-11-09 14:01`.
 *
 * @param time milliseconds since 1970
 */
export function knockdTime(time: number): string {
  const date = new Date(time)
  return `${day(date)} ${two(date.getHours())}:${two(date.getMinutes())}`
}

/**
 * Formats local time with its UTC offset, as in RFC 3339, 5.6: `2009-11-09T14:01:05+01:00`.
 *
 * @param time milliseconds since 1970
 */
export function zonedTime(time: number, precision: 'seconds' | 'milliseconds'): string {
  const date = new Date(time)
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')
  const fraction = precision === 'seconds' ? '' : `.${String(date.getMilliseconds()).padStart(3, '0')}`
  const offset = -date.getTimezoneOffset()
  const minutes = Math.abs(offset)
  return `${day(date)}T${clock}${fraction}${offset < 0 ? '-' : '+'}${two(Math.trunc(minutes / 60))}:${two(minutes % 60)}`
}

function day(date: Date): string {
  return `${String(date.getFullYear()).padStart(4, '0')}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
