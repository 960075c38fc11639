import { crc32 } from 'node:zlib'

/**
 * A line of the journal: `CRC NUMBER DURABLE JSON
 * `. CRC is the CRC-32 of zip, eight hex digits, of the text after it and one blank. The numbers are decimal.
 */
export interface Line {
  /** The line's position in the file, from 0, which reveals missing lines. */
  readonly number: number
  /**
   * The number of lines known to be durable at the time of writing. The file must have that many lines before this one.
   */
  readonly durable: number
  readonly value: unknown
}

/** Longest line in bytes, including its line feed. It bounds the length of a stop command. */
export const LINE_MAX_BYTES = 65_536

const CRC_DIGITS = 8
const LINE_PATTERN = /^[0-9a-f]{8} (0|[1-9][0-9]{0,14}) (0|[1-9][0-9]{0,14}) (.*)$/s

/** Encodes a line of the file. The value must be JSON. */
export function encodeLine(number: number, durable: number, json: string): Buffer {
  const body = `${number} ${durable} ${json}`
  return Buffer.from(`${crc32(body).toString(16).padStart(CRC_DIGITS, '0')} ${body}\n`)
}

/** Decodes a line without its line feed; `undefined`: {@link encodeLine} does not make such a line. */
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
