/**
 * HalfSipHash-1-3 of four words with a secret of two words, the hash of the source table. Attackers choose their
 * addresses. A hash without a secret, or with collisions for every secret (the murmur family), would let them crowd one
 * slot.
 *
 * @see J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF"; HalfSipHash is its 32-bit sibling.
 */
export function sipHash(key0: number, key1: number, a: number, b: number, c: number, d: number): number {
  let v0 = key0
  let v1 = key1
  let v2 = 0x6c796765 ^ key0
  let v3 = 0x74656462 ^ key1
  // The fifth word is the message's length in bytes, always sixteen, in its top byte. Three rounds without input
  // follow.
  for (let round = 0; round < 8; round++) {
    const word = round === 0 ? a : round === 1 ? b : round === 2 ? c : round === 3 ? d : round === 4 ? 16 << 24 : 0
    if (round === 5) v2 ^= 0xff
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = (v1 << 5) | (v1 >>> 27)
    v1 ^= v0
    v0 = (v0 << 16) | (v0 >>> 16)
    v2 = (v2 + v3) | 0
    v3 = (v3 << 8) | (v3 >>> 24)
    v3 ^= v2
    v0 = (v0 + v3) | 0
    v3 = (v3 << 7) | (v3 >>> 25)
    v3 ^= v0
    v2 = (v2 + v1) | 0
    v1 = (v1 << 13) | (v1 >>> 19)
    v1 ^= v2
    v2 = (v2 << 16) | (v2 >>> 16)
    v0 ^= word
  }
  return v1 ^ v3
}
