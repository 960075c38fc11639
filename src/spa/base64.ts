const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
const VALUES = new Int8Array(128).fill(-1)
for (let value = 0; value < ALPHABET.length; value++) VALUES[ALPHABET.charCodeAt(value)] = value

/** Returns true if a character code is in the standard alphabet. */
export function isBase64Char(code: number): boolean {
  return (VALUES[code] ?? -1) >= 0
}

/** Encodes bytes as base64 in the standard alphabet, without `=` (RFC 4648, 4 and 3.2). */
export function encodeBase64(bytes: Uint8Array): string {
  let text = ''
  let pending = 0
  let bits = 0
  for (const byte of bytes) {
    pending = (pending << 8) | byte
    bits += 8
    while (bits >= 6) {
      bits -= 6
      text += ALPHABET[(pending >>> bits) & 63]
    }
    pending &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + ALPHABET[(pending << (6 - bits)) & 63]
}

/**
 * Decodes base64 without `=`. Only one text is valid for the same bytes, so that nobody can rewrite a packet they have
 * seen. Returns `undefined` for any other text.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let pending = 0
  let bits = 0
  let length = 0
  for (let index = 0; index < text.length; index++) {
    const value = VALUES[text.charCodeAt(index)] ?? -1
    if (value < 0) return undefined
    pending = (pending << 6) | value
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = pending >>> bits
      pending &= (1 << bits) - 1
    }
  }
  return pending === 0 ? bytes : undefined
}

/** Decodes base64 with or without its `=`, as people keep it in files. */
export function decodePaddedBase64(text: string): Uint8Array | undefined {
  const bare = text.replace(/={1,2}$/, '')
  return bare.length === text.length || text.length % 4 === 0 ? decodeBase64(bare) : undefined
}
