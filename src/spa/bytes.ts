/** Concatenates bytes. */
export function concatenate(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let offset = 0
  for (const part of parts) {
    bytes.set(part, offset)
    offset += part.length
  }
  return bytes
}

/** Returns true if two of Postern's own keys are equal. Use timingSafeEqual for bytes from a packet. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

/** Returns one byte for each character, which is its lowest eight bits. The text must be ASCII. */
export function asciiBytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length)
  for (let index = 0; index < text.length; index++) bytes[index] = text.charCodeAt(index)
  return bytes
}

/** The maximum number of arguments in one call, a few times the bytes of a packet. */
const CHARACTERS_AT_ONCE = 4_096

/** Returns one character for each byte. */
export function latin1Text(bytes: Uint8Array): string {
  let text = ''
  for (let start = 0; start < bytes.length; start += CHARACTERS_AT_ONCE) {
    // The spread syntax would walk the bytes by an iterator. That takes ten times as long, which matters in a flood.
    text += Reflect.apply(String.fromCharCode, undefined, bytes.subarray(start, start + CHARACTERS_AT_ONCE)) as string
  }
  return text
}
