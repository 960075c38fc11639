/** `2009-11-09 14:01`, local time: knockd's own. */
export function knockdTime(ms: number): string {
  const at = new Date(ms)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`
}

/** `2009-11-09T14:01:30.123+01:00`, local time with its zone (RFC 3339). */
export function zonedTime(ms: number): string {
  const at = new Date(ms)
  const east = -at.getTimezoneOffset()
  const zone = `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}:${two(Math.abs(east) % 60)}`
  const millis = String(at.getMilliseconds()).padStart(3, '0')
  return `${knockdTime(ms).replace(' ', 'T')}:${two(at.getSeconds())}.${millis}${zone}`
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
