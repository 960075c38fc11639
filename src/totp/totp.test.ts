// Goal: codes are those of every authenticator app, by the RFCs' own vectors. Secrets are read as people copy them, and
// invalid ones are reported. A code's ports are valid, unprivileged and distinct for every code.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fromBase32, toBase32 } from './base32.ts'
import { codeOf, periodAt } from './code.ts'
import type { Algorithm, TotpSecret } from './code.ts'
import { knocksOfCode, readCode } from './ports.ts'
import { readSecret, secretUri } from './secret-text.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const KEYS: Readonly<Record<Algorithm, Uint8Array>> = {
  SHA1: ascii('12345678901234567890'),
  SHA256: ascii('12345678901234567890123456789012'),
  SHA512: ascii('1234567890123456789012345678901234567890123456789012345678901234'),
}
const secretOf = (algorithm: Algorithm, digits = 8): TotpSecret => ({
  key: KEYS[algorithm],
  algorithm,
  digits,
  periodS: 30,
})

describe('the codes of RFC 6238, appendix B', () => {
  test.each([
    [59, '94287082', '46119246', '90693936'],
    [1_111_111_109, '07081804', '68084774', '25091201'],
    [1_111_111_111, '14050471', '67062674', '99943326'],
    [1_234_567_890, '89005924', '91819424', '93441116'],
    [2_000_000_000, '69279037', '90698825', '38618901'],
    [20_000_000_000, '65353130', '77737706', '47863826'],
  ])('the codes at %i s', (seconds, ...codes) => {
    const found = (['SHA1', 'SHA256', 'SHA512'] as const).map((algorithm) => {
      const secret = secretOf(algorithm)
      return codeOf(secret, periodAt(secret, seconds * 1000))
    })
    expect(found).toEqual(codes)
  })
})

test('the codes of RFC 4226, appendix D', () => {
  const codes = Array.from({ length: 10 }, (_, count) => codeOf(secretOf('SHA1', 6), count))
  expect(codes).toEqual([
    '755224',
    '287082',
    '359152',
    '969429',
    '338314',
    '254676',
    '287922',
    '162583',
    '399871',
    '520489',
  ])
})

test.each([
  ['', ''],
  ['f', 'MY'],
  ['fo', 'MZXQ'],
  ['foo', 'MZXW6'],
  ['foob', 'MZXW6YQ'],
  ['fooba', 'MZXW6YTB'],
  ['foobar', 'MZXW6YTBOI'],
])('base32 of RFC 4648, 10: %s', (text, base32) => {
  expect(toBase32(ascii(text))).toBe(base32)
  expect(fromBase32(base32)).toEqual(ascii(text))
})

test('base32 is read back for any bytes, and as people copy it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(fromBase32(toBase32(bytes))).toEqual(bytes)
    }),
  )
  expect(fromBase32('mzxw 6ytb-oi======')).toEqual(ascii('foobar'))
  expect(fromBase32('MZXW1')).toBeUndefined()
})

test('a code gives its two ports', () => {
  expect(knocksOfCode('12345678').map(({ port }) => port)).toEqual([21_234, 15_678])
  expect(knocksOfCode('1234567').map(({ port }) => port)).toEqual([21_234, 10_567])
  expect(knocksOfCode('123456').map(({ port }) => port)).toEqual([20_123, 10_456])
  fc.assert(
    fc.property(fc.integer({ min: 6, max: 8 }), fc.nat(99_999_999), (digits, number) => {
      const code = String(number % 10 ** digits).padStart(digits, '0')
      const [first, second] = knocksOfCode(code).map(({ port }) => port) as [number, number]
      expect(second).toBeGreaterThan(1_023)
      expect(first).toBeGreaterThan(second)
      expect(first).toBeLessThan(32_768)
      const cut = Math.ceil(digits / 2)
      // Each code has its own ports.
      expect(`${String(first - 20_000).padStart(cut, '0')}${String(second - 10_000).padStart(digits - cut, '0')}`).toBe(
        code,
      )
    }),
  )
})

test('a code is read as people type it', () => {
  expect(readCode('1234 5678')).toBe('12345678')
  expect(readCode('123456')).toBe('123456')
  for (const text of ['12345', '123456789', '12a456', '']) expect(readCode(text)).toBeUndefined()
})

describe('files of secrets', () => {
  const key = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  const uri = secretUri(secretOf('SHA256', 7), 'gate.example', 'my door')

  test('a URI is read back, and has all that an app asks for', () => {
    expect(uri).toMatch(
      /^otpauth:\/\/totp\/gate\.example:my%20door\?secret=[A-Z2-7]+&issuer=gate\.example&algorithm=SHA256&digits=7&period=30$/,
    )
    expect(readSecret(`# of the door\n\n${uri}\n`)).toEqual({ value: secretOf('SHA256', 7) })
  })

  test('what a URI leaves out gets the default of apps; a key alone has eight digits', () => {
    expect(readSecret(`otpauth://totp/x?secret=${key}`)).toEqual({ value: secretOf('SHA1', 6) })
    expect(readSecret(` ${key.toLowerCase()} \n`)).toEqual({ value: secretOf('SHA1', 8) })
  })

  test.each([
    ['nothing', '# only this\n', /no secret/],
    ['two lines', `${key}\n${key}`, /more than one line/],
    ['a counter', `otpauth://hotp/x?secret=${key}&counter=1`, /not an otpauth URI of a time-based/],
    ['invalid base32', 'GEZDGNBVGY3TQOJQGEZDGNB1', /not base32/],
    ['a short key', 'GEZDGNBV', /too short/],
    ['a long key', 'A'.repeat(300), /too long/],
    ['another algorithm', `otpauth://totp/x?secret=${key}&algorithm=MD5`, /unknown algorithm/],
    ['too many digits', `otpauth://totp/x?secret=${key}&digits=9`, /invalid number of digits/],
    ['no period', `otpauth://totp/x?secret=${key}&period=0`, /invalid period/],
  ])('%s', (_, text, message) => {
    const read = readSecret(text)
    expect('message' in read && read.message).toMatch(message)
    // No message has the secret itself.
    expect(JSON.stringify(read)).not.toContain('GEZDGNBV')
  })
})
