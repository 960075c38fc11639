import { crc32 } from 'node:zlib'

/**
 * A line of the journal: `CRC NUMBER DURABLE JSON\n`. CRC is the CRC-32 (that of zip, eight hex digits) of what follows
 * it and one blank; the numbers are decimal.
 */
export interface Line {
  /** Its place in the file, from 0: a line that is missing shows. */
  readonly number: number
  /** How many lines were known to be durable when this one was written: so many must be there before it. */
  readonly durable: number
  readonly value: unknown
}

/** Longest line in bytes, its line feed included. A command line longer than that is no stop command. */
export const LINE_MAX_BYTES = 65_536

const CRC_DIGITS = 8
const LINE_PATTERN = /^[0-9a-f]{8} (0|[1-9][0-9]{0,14}) (0|[1-9][0-9]{0,14}) (.*)$/s

/** The line as it stands in the file; the value must be JSON. */
export function encodeLine(number: number, durable: number, json: string): Buffer {
  const body = `${number} ${durable} ${json}`
  return Buffer.from(`${crc32(body).toString(16).padStart(CRC_DIGITS, '0')} ${body}\n`)
}

/** Reads a line, given without its line feed; `undefined` where it is not exactly what {@link encodeLine} makes. */
export function decodeLine(bytes: Uint8Array): Line | undefined {
  if (bytes.length >= LINE_MAX_BYTES || bytes.length <= CRC_DIGITS) return undefined
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()
  const match = LINE_PATTERN.exec(text)
  if (match === null || crc32(bytes.subarray(CRC_DIGITS + 1)) !== Number.parseInt(text.slice(0, CRC_DIGITS), 16)) {
    return undefined
  }
  try {
    return { number: Number(match[1]), durable: Number(match[2]), value: JSON.parse(match[3]!) as unknown }
  } catch {
    return undefined
  }
}
