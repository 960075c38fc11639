// Goal: addresses are read and written as in RFC 4291 and RFC 5952, and any other text is refused.
import { isIP } from 'node:net'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatAddress, parseAddress, sameAddress } from './address.ts'

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['255.255.255.255', '255.255.255.255'],
  ['::', '::'],
  ['::1', '::1'],
  ['2001:DB8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:0:0:2::', '1:0:0:2::'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
])('%s', (text, written) => {
  expect(formatAddress(parseAddress(text)!)).toBe(written)
})

test.each([
  '',
  '192.0.2',
  '192.0.2.256',
  '192.0.2.01',
  '1::2::3',
  ':1',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  'g::',
  'fe80::1%eth0',
  '::192.0.2.1:1',
  '12345::',
  'x'.repeat(99),
])('no address: %s', (text) => {
  expect(parseAddress(text)).toBeUndefined()
})

test('every address comes back as it was, and is what the system takes for one', () => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  const sparse = fc.oneof(word, fc.constantFrom(0, 1, 0xffff, 0x10000))
  fc.assert(
    fc.property(sparse, sparse, sparse, sparse, fc.boolean(), (a, b, c, d, old) => {
      const address = old ? ({ family: 4, a, b: 0, c: 0, d: 0 } as const) : ({ family: 6, a, b, c, d } as const)
      const text = formatAddress(address)
      expect(isIP(text)).toBe(address.family)
      expect(sameAddress(parseAddress(text)!, address)).toBe(true)
    }),
  )
})

test('any text is an address for us if and only if it is one for the system', () => {
  const piece = fc.constantFrom('0', '1', 'ff', '192.0.2.1', ':', '::', '.', 'abcd', '256', '00001', 'g')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      expect(parseAddress(text)?.family ?? 0).toBe(isIP(text))
    }),
    { numRuns: 2_000 },
  )
})
