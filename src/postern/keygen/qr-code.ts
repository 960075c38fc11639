/** The width of the light border in modules; cameras find no QR code without a border (ISO/IEC 18004, 6.3.8). */
export const QUIET_MODULES = 4

/** The escape sequence of black on white. Terminals that have bright white, the last code, use it. */
const BLACK_ON_WHITE = '\u001B[30;47;107m'
const RESET = '\u001B[0m'

/**
 * Draws a text as a QR code, with one line of characters for two rows of modules. With colours it is black on white,
 * which cameras read on dark and light terminals. Without colours the block characters are the dark modules.
 *
 * @returns whole lines, with their line ends
 */
export async function drawQr(text: string, colours: boolean): Promise<string> {
  const { encodeQR } = await import('qr')
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_MODULES })
  const lines: string[] = []
  for (let at = 0; at < rows.length; at += 2) {
    const [upper = [], lower = []] = rows.slice(at, at + 2)
    const line = upper.map((dark, column) => block(dark, lower[column] === true)).join('')
    lines.push(colours ? `${BLACK_ON_WHITE}${line}${RESET}\n` : `${line}\n`)
  }
  return lines.join('')
}

function block(upper: boolean, lower: boolean): string {
  if (upper) return lower ? '█' : '▀'
  return lower ? '▄' : ' '
}
