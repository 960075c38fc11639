/** Modules of light around a QR code, without which cameras do not find it (ISO/IEC 18004, 6.3.8). */
export const QUIET_MODULES = 4

/** Black on white, whatever the terminal's colours are; the last one, bright white, where the terminal has it. */
const BLACK_ON_WHITE = '\u001B[30;47;107m'
const RESET = '\u001B[0m'

/**
 * A text as a QR code, a line of characters for two rows of modules. In colours it is black on white and can be read on
 * dark and light terminals alike; without, the blocks are what is dark.
 *
 * @returns whole lines, ends included
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
