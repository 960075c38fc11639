/** The alphabet of RFC 4648, 6, with five bits a letter. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const BITS_A_LETTER = 5
const BITS_A_BYTE = 8

/** Encodes bytes as base32 without padding, the form that authenticator apps accept. */
export function toBase32(bytes: Uint8Array): string {
  let text = ''
  let bits = 0
  let held = 0
  for (const byte of bytes) {
    held = (held << BITS_A_BYTE) | byte
    bits += BITS_A_BYTE
    while (bits >= BITS_A_LETTER) {
      bits -= BITS_A_LETTER
      text += ALPHABET[(held >>> bits) & 31]
    }
    held &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(held << (BITS_A_LETTER - bits)) & 31]
}

/**
 * Decodes base32 as people copy it: with small letters, blanks, dashes and padding. Returns `undefined` for any other
 * text.
 */
export function fromBase32(text: string): Uint8Array | undefined {
  const letters = text.toUpperCase().replaceAll(/[\s-]/g, '').replace(/=*$/, '')
  const bytes: number[] = []
  let bits = 0
  let held = 0
  for (const letter of letters) {
    const value = ALPHABET.indexOf(letter)
    if (value < 0) return undefined
    held = (held << BITS_A_LETTER) | value
    bits += BITS_A_LETTER
    if (bits < BITS_A_BYTE) continue
    bits -= BITS_A_BYTE
    bytes.push((held >>> bits) & 255)
    held &= (1 << bits) - 1
  }
  return Uint8Array.from(bytes)
}
