import { LITTLE, aligned } from '../native/netlink-dump.ts'

/**
 * Bytes of a struct nlattr (netlink(7)): length and type, in the machine's byte order. Its content is in network order.
 */
export const ATTRIBUTE_HEADER = 4
const NLA_F_NESTED = 0x8000
const TYPE_MASK = 0x3fff

/** Makes an attribute with its content, padded to a multiple of four bytes. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(aligned(ATTRIBUTE_HEADER + value.length))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setUint16(0, ATTRIBUTE_HEADER + value.length, LITTLE)
  view.setUint16(2, type, LITTLE)
  bytes.set(value, ATTRIBUTE_HEADER)
  return bytes
}

/** Makes an attribute that contains others. */
export function nested(type: number, ...inside: readonly Uint8Array[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(inside))
}

/** Encodes a 32-bit number in the machine's byte order. */
export function word(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, value, LITTLE)
  return new Uint8Array(view.buffer)
}

/** Encodes a 16-bit number in the machine's byte order. */
export function half(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(2))
  view.setUint16(0, value, LITTLE)
  return new Uint8Array(view.buffer)
}

/** Encodes a 16-bit number in network byte order. */
export function port(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff)
}

/** Returns the offset of the content of the first attribute of a type between `start` and `end`; -1: not found. */
export function findAttribute(view: DataView, start: number, end: number, type: number): number {
  for (let at = start; at + ATTRIBUTE_HEADER <= end;) {
    const length = view.getUint16(at, LITTLE)
    if (length < ATTRIBUTE_HEADER || at + length > end) return -1
    if ((view.getUint16(at + 2, LITTLE) & TYPE_MASK) === type) return at + ATTRIBUTE_HEADER
    at += aligned(length)
  }
  return -1
}

/** Finds an attribute in the content of another one, given where that begins; -1: one of the two was not found. */
export function findInside(view: DataView, outer: number, type: number): number {
  if (outer < 0) return -1
  const start = outer - ATTRIBUTE_HEADER
  return findAttribute(view, outer, start + view.getUint16(start, LITTLE), type)
}
