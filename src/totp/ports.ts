import { TCP } from '../packet/packet.ts'

/** A TCP port to knock at. */
export interface CodeKnock {
  readonly protocol: typeof TCP
  readonly port: number
}

/** What the first group is put behind, and the second: ports from 20000 and from 10000 on. */
const FIRST = 20_000
const SECOND = 10_000
/** Lowest and highest port that a code may have: no group has more than four digits. */
export const CODE_PORT_MIN = SECOND
export const CODE_PORT_MAX = FIRST + 9_999

/**
 * The two ports of a code, by a rule that is done in the head: cut the code in two (the first part is the longer one),
 * fill each up to four digits with zeros in front, and put a 2 before the first, a 1 before the second. `12345678` is
 * knocked as 21234 and 15678, `123456` as 20123 and 10456.
 *
 * So they are always valid, unprivileged, out of the range that Linux takes ports for its own connections from, and never
 * the same; and the second is below the first, so that a scan in ascending order never makes one out of two.
 */
export function knocksOfCode(code: string): readonly CodeKnock[] {
  const cut = Math.ceil(code.length / 2)
  return [
    { protocol: TCP, port: FIRST + Number(code.slice(0, cut)) },
    { protocol: TCP, port: SECOND + Number(code.slice(cut)) },
  ]
}

/** Whether a text is a code: 6 to 8 digits. Blanks, as apps show them, do not count. */
export function readCode(text: string): string | undefined {
  const code = text.replaceAll(/\s/g, '')
  return /^[0-9]{6,8}$/.test(code) ? code : undefined
}
