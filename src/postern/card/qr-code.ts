/** The width of the light border in modules; cameras find no QR code without a border (ISO/IEC 18004, 6.3.8). */
export const QUIET_MODULES = 4

/** The escape sequence of black on white. Terminals that have bright white, the last code, use it. */
const BLACK_ON_WHITE = '\u001B[30;47;107m'
const RESET = '\u001B[0m'

/** The modules of a QR code by rows; true: dark. */
export type Modules = readonly (readonly boolean[])[]

/** Encodes a text, with a light border. @param ecc `low` makes the smallest code, `medium` one that may get dirty */
export async function qrModules(text: string, ecc: 'low' | 'medium', border: number): Promise<Modules> {
  const { encodeQR } = await import('qr')
  return encodeQR(text, 'raw', { ecc, border })
}

/** Draws modules, with one line of characters for two rows of them. The block characters are the dark modules. */
export function drawModules(rows: Modules): readonly string[] {
  const lines: string[] = []
  for (let at = 0; at < rows.length; at += 2) {
    const [upper = [], lower = []] = rows.slice(at, at + 2)
    lines.push(upper.map((dark, column) => block(dark, lower[column] === true)).join(''))
  }
  return lines
}

/** Colours a line of a drawing: black on white, which cameras read on dark and light terminals. */
export function coloured(line: string): string {
  return `${BLACK_ON_WHITE}${line}${RESET}`
}

/**
 * Draws a text as a QR code, in colours or without.
 *
 * @returns whole lines, with their line ends
 */
export async function drawQr(text: string, colours: boolean): Promise<string> {
  const lines = drawModules(await qrModules(text, 'medium', QUIET_MODULES))
  return lines.map((line) => `${colours ? coloured(line) : line}\n`).join('')
}

function block(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀'
  return lower ? '▄' : ' '
}
