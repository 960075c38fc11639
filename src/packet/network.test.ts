// Goal: a network contains exactly the addresses with its first bits, in both families.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseAddress } from './address.ts'
import type { Address } from './address.ts'
import { ADDRESS_BITS, contains, formatNetwork, networkOf, parseNetwork } from './network.ts'

const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
const address: fc.Arbitrary<Address> = fc.oneof(
  word.map((a) => ({ family: 4 as const, a, b: 0, c: 0, d: 0 })),
  fc.tuple(word, word, word, word).map(([a, b, c, d]) => ({ family: 6 as const, a, b, c, d })),
)

function bitsOf({ family, a, b, c, d }: Address): string {
  return [a, b, c, d]
    .slice(0, family === 4 ? 1 : 4)
    .map((value) => (value >>> 0).toString(2).padStart(32, '0'))
    .join('')
}

test('contains compares the first bits, and no others', () => {
  fc.assert(
    fc.property(address, address, fc.nat(128), fc.nat(128), (one, random, bits, flipped) => {
      const prefix = bits % (ADDRESS_BITS[one.family] + 1)
      // Two random addresses share hardly a bit; one that differs in a single bit is the case that matters.
      const near = flip(one, flipped % ADDRESS_BITS[one.family])
      const network = networkOf(one, prefix)
      for (const other of [one, random, near]) {
        const same = other.family === one.family && bitsOf(other).startsWith(bitsOf(one).slice(0, prefix))
        expect(contains(network, other)).toBe(same)
      }
    }),
  )
})

function flip(of: Address, bit: number): Address {
  const words = [of.a, of.b, of.c, of.d]
  words[bit >>> 5]! ^= 1 << (31 - (bit & 31))
  const [a = 0, b = 0, c = 0, d = 0] = words
  return { family: of.family, a, b, c, d }
}

test('what is written is read back', () => {
  fc.assert(
    fc.property(address, fc.nat(128), (one, bits) => {
      const network = networkOf(one, bits % (ADDRESS_BITS[one.family] + 1))
      expect(parseNetwork(formatNetwork(network))).toEqual(network)
    }),
  )
})

test.each(['192.0.2.0/24', '2001:db8::/32', '0.0.0.0/0', '::/0', '192.0.2.7', '2001:db8::7'])('%s', (text) => {
  expect(formatNetwork(parseNetwork(text)!)).toBe(text)
})

test.each([
  '192.0.2.7/24',
  '192.0.2.0/33',
  '2001:db8::/129',
  '192.0.2.0/',
  '192.0.2.0/024',
  '/24',
  'x/8',
  '1.2.3.0/8/8',
])('%s is not a network', (text) => {
  expect(parseNetwork(text)).toBeUndefined()
})

test('a single address has all its bits', () => {
  expect(parseNetwork('192.0.2.7')).toEqual({ address: parseAddress('192.0.2.7'), prefix: 32 })
})
