import { LITTLE, aligned } from '../native/netlink-dump.ts'

/** Bytes of a struct nlattr (netlink(7)): length and type, in the machine's byte order; what it holds is in the network's. */
export const ATTRIBUTE_HEADER = 4
const NLA_F_NESTED = 0x8000
const TYPE_MASK = 0x3fff

/** An attribute with what it holds, filled up to a multiple of four bytes. */
export function attribute(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(aligned(ATTRIBUTE_HEADER + value.length))
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  view.setUint16(0, ATTRIBUTE_HEADER + value.length, LITTLE)
  view.setUint16(2, type, LITTLE)
  bytes.set(value, ATTRIBUTE_HEADER)
  return bytes
}

/** An attribute that holds others. */
export function nested(type: number, ...inside: readonly Uint8Array[]): Buffer {
  return attribute(type | NLA_F_NESTED, Buffer.concat(inside))
}

/** A number of 32 bits in the machine's byte order. */
export function word(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, value, LITTLE)
  return new Uint8Array(view.buffer)
}

/** A number of 16 bits in the machine's byte order. */
export function half(value: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(2))
  view.setUint16(0, value, LITTLE)
  return new Uint8Array(view.buffer)
}

/** A number of 16 bits in the network's byte order. */
export function port(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value & 0xff)
}

/** Where the first attribute of a type begins that stands from `start` to `end`, behind its header; -1: there is none. */
export function findAttribute(view: DataView, start: number, end: number, type: number): number {
  for (let at = start; at + ATTRIBUTE_HEADER <= end;) {
    const length = view.getUint16(at, LITTLE)
    if (length < ATTRIBUTE_HEADER || at + length > end) return -1
    if ((view.getUint16(at + 2, LITTLE) & TYPE_MASK) === type) return at + ATTRIBUTE_HEADER
    at += aligned(length)
  }
  return -1
}

/** The end of what an attribute holds that begins there. */
export function attributeEnd(view: DataView, start: number): number {
  return start - ATTRIBUTE_HEADER + view.getUint16(start - ATTRIBUTE_HEADER, LITTLE)
}
