import { drawQr } from './qr-code.ts'

/** A secret for one person or program, as it is shown and photographed. */
export interface Card {
  /** The word for it in the names of image files. */
  readonly name: 'app' | 'page' | 'fwknop' | 'key' | 'knock' | 'line'
  /** The person or program that it is for, in words. */
  readonly heading: string
  /** The lines that hold the secret. */
  readonly lines: readonly string[]
  /** The text of the QR code; absent: no program takes such a secret from a camera. */
  readonly code?: string
}

/** The way in which cards are printed. */
export interface Shown {
  readonly qr: boolean
  /** True if standard output is a terminal. */
  readonly terminal: boolean
}

/** Returns a card without its QR code. */
export function plainCard({ name, heading, lines }: Card): Card {
  return { name, heading, lines }
}

/** Prints a card as text, for a pipe or a file. */
export async function cardText({ heading, lines, code }: Card, { qr, terminal }: Shown): Promise<string> {
  const picture = code === undefined || !qr ? '' : `${await drawQr(code, terminal)}\n`
  return `${heading}:\n\n${lines.map((line) => `    ${line}\n`).join('')}\n${picture}`
}
