/**
 * Returns the bit of a 32-bit sketch that stands for a knock. Neighbouring ports have different bits, so a scan in
 * order is counted exactly.
 */
export function touchBit(key: number): number {
  return (key ^ (key >>> 5) ^ (key >>> 12)) & 31
}

/** Returns the number of bits that are set in a word. */
export function ones(word: number): number {
  let bits = word - ((word >>> 1) & 0x55555555)
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
