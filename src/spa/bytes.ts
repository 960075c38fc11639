/** Bytes behind each other. */
export function concatenate(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** Whether two keys of one's own are the same; for what strangers send there is timingSafeEqual. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

/** A byte for each character, the last eight bits of it: for text that is known to be ASCII. */
export function asciiBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}

/** Most arguments in one call: what a packet has, a few times over. */
const CHARACTERS_AT_ONCE = 4_096

/** A character for each byte. */
export function latin1Text(bytes: Uint8Array): string {
  let text = ''
  for (let start = 0; start < bytes.length; start += CHARACTERS_AT_ONCE) {
    // Spreading would walk the bytes by an iterator, which takes ten times as long: in a flood that counts.
    text += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(start, start + CHARACTERS_AT_ONCE)) as string
  }
  return text
}
