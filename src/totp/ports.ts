import { TCP } from '../packet/packet.ts'

/** The offsets of the first and of the second port of a code. */
const FIRST = 20_000
const SECOND = 10_000
/** The lowest and the highest port of a code. A group has at most four digits. */
export const CODE_PORT_MIN = SECOND
export const CODE_PORT_MAX = FIRST + 9_999

/**
 * Returns the two ports of a code, by a rule for mental arithmetic. Cut the code in two, with the longer part first.
 * Pad each part to four digits with leading zeros, then put a 2 before the first and a 1 before the second. For
 * example, `12345678` becomes 21234 and 15678, and `123456` becomes 20123 and 10456.
 *
 * The ports are always valid, unprivileged, distinct, and outside the range that Linux uses for outgoing connections.
 * The second is below the first, so that a scan in ascending order never sends a code.
 */
export function knocksOfCode(code: string): readonly { readonly protocol: typeof TCP; readonly port: number }[] {
  const cut = Math.ceil(code.length / 2)
  return [
    { protocol: TCP, port: FIRST + Number(code.slice(0, cut)) },
    { protocol: TCP, port: SECOND + Number(code.slice(cut)) },
  ]
}

/** Returns the code in a text, or `undefined`. A code has 6 to 8 digits. Blanks, which apps show, are ignored. */
export function readCode(text: string): string | undefined {
  const code = text.replaceAll(/\s/g, '')
  return /^[0-9]{6,8}$/.test(code) ? code : undefined
}
