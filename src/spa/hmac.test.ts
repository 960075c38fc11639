// Goal: an HMAC that is computed fast, for the keys of many users, is that of RFC 2104.
import { createHmac, randomBytes } from 'node:crypto'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { DIGESTS } from '../peer/fwknop/digest.ts'
import { HmacKey, SealedText } from './hmac.ts'

const FUNCTIONS = Object.values(DIGESTS)

test.each(FUNCTIONS)('$node, with keys of all lengths up to beyond two blocks', (hashFunction) => {
  for (let length = 0; length <= 300; length++) {
    const key = new Uint8Array(randomBytes(length))
    const text = new Uint8Array(randomBytes(length * 3))
    const mac = new Uint8Array(createHmac(hashFunction.node, key).update(text).digest())
    const sealed = new SealedText(hashFunction, text)
    const right = new HmacKey(hashFunction, key)
    expect(right.isMacOf(sealed, mac)).toBe(true)
    // The same text is tried with other keys, before and after.
    expect(new HmacKey(hashFunction, Uint8Array.of(...key, 1)).isMacOf(sealed, mac)).toBe(false)
    expect(right.isMacOf(sealed, mac)).toBe(true)
    const at = length % mac.length
    expect(
      right.isMacOf(
        sealed,
        mac.map((byte, index) => (index === at ? byte ^ 1 : byte)),
      ),
    ).toBe(false)
    // Its beginning, behind other bytes, and bytes beyond it.
    expect(right.isMacOf(sealed, Uint8Array.of(7, 7, ...mac.subarray(0, 10)), 2)).toBe(true)
    for (const more of [0, 1]) expect(right.isMacOf(sealed, Uint8Array.of(...mac, more))).toBe(false)
  }
})

test('any text and key', () => {
  const bytes = fc.uint8Array({ maxLength: 1_500 })
  fc.assert(
    fc.property(fc.constantFrom(...FUNCTIONS), bytes, bytes, bytes, (hashFunction, key, text, other) => {
      const mac = new Uint8Array(createHmac(hashFunction.node, key).update(text).digest())
      const sealed = new SealedText(hashFunction, new Uint8Array(text.length))
      sealed.set(text)
      expect(new HmacKey(hashFunction, key).isMacOf(sealed, mac)).toBe(true)
      // Keys that differ in zeros at their end alone are one key (RFC 2104).
      const another = Uint8Array.of(1, ...other)
      const isSame = createHmac(hashFunction.node, another).update(text).digest().equals(mac)
      expect(new HmacKey(hashFunction, another).isMacOf(sealed, mac)).toBe(isSame)
    }),
  )
})

test('a key of a hash function with other blocks is refused', () => {
  const key = new HmacKey(DIGESTS.sha512, new Uint8Array(4))
  expect(() => key.isMacOf(new SealedText(DIGESTS.md5, new Uint8Array(4)), new Uint8Array(16))).toThrow(RangeError)
})
