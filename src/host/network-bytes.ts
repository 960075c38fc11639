import type { Address, Family } from '../packet/address.ts'

/** The numbers of the address families (`<sys/socket.h>`). */
export const AF: Readonly<Record<Family, number>> = { 4: 2, 6: 10 }

/** Encodes an address as in packets and kernel messages: 4 or 16 bytes in network order. */
export function addressBytes({ family, a, b, c, d }: Address): Uint8Array {
  const view = new DataView(new ArrayBuffer(family === 4 ? 4 : 16))
  for (const [index, each] of (family === 4 ? [a] : [a, b, c, d]).entries()) view.setInt32(index * 4, each)
  return new Uint8Array(view.buffer)
}

/** Reads an address at an offset. */
export function addressIn(view: DataView, at: number, family: Family): Address {
  const word = (index: number): number => view.getInt32(at + index * 4)
  if (family === 4) return { family, a: word(0), b: 0, c: 0, d: 0 }
  return { family, a: word(0), b: word(1), c: word(2), d: word(3) }
}
