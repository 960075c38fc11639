// Goal: a profile is read back exactly, whatever is in it. Any other text is refused, and no fault quotes a secret.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSequence } from '../config/sequence.ts'
import { USER_NAME_MAX_CHARS } from '../config/users.ts'
import { valueOf } from '../text/read.ts'
import { decodeProfile, encodeProfile, PROFILE_MAX_CHARS } from './client-profile.ts'
import type { ClientProfile } from './client-profile.ts'

const knocks = valueOf(parseSequence('7431,8020:udp/32,icmp/419'))!
const secret = {
  key: Uint8Array.from({ length: 20 }, (_, at) => at),
  algorithm: 'SHA1',
  digits: 8,
  periodS: 30,
} as const
const CODES: ClientProfile = {
  host: 'gate.example.org',
  service: 22,
  door: 'ssh',
  user: 'alice',
  means: { kind: 'codes', secret, before: knocks },
}
const TEXT =
  'v=1&h=gate.example.org&p=22&d=ssh&u=alice&k=codes&s=AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT&a=SHA1&n=8&t=30&b=7431,8020:udp/32,icmp/419'

test('the text of a link is fixed', () => {
  expect(encodeProfile(CODES)).toBe(TEXT)
  expect(decodeProfile(TEXT)).toEqual({ value: CODES })
  const url = new URL(`https://gate.example.org/ssh.html#${TEXT}`)
  expect(url.hash.slice(1)).toBe(TEXT)
})

const word = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 30 })
  .filter((text) => text.length <= USER_NAME_MAX_CHARS && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(text))
const anyProfile: fc.Arbitrary<ClientProfile> = fc.record({
  host: fc.constantFrom('gate', 'Gate.example.org', '192.0.2.1', '2001:db8::1'),
  service: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
  door: word,
  user: fc.option(word, { nil: undefined }),
  means: fc.oneof(
    fc.record({
      kind: fc.constant('codes' as const),
      secret: fc.record({
        key: fc.uint8Array({ minLength: 16, maxLength: 128 }),
        algorithm: fc.constantFrom('SHA1' as const, 'SHA256' as const, 'SHA512' as const),
        digits: fc.integer({ min: 6, max: 8 }),
        periodS: fc.integer({ min: 5, max: 3_600 }),
      }),
      before: fc.constantFrom([], knocks),
    }),
    fc.record({ kind: fc.constant('sequence' as const), knocks: fc.constant(knocks) }),
    fc.record({
      kind: fc.constant('list' as const),
      file: word.filter((text) => !/[/\\]|^\.{1,2}$/.test(text)),
      key: word,
    }),
  ),
})
/** A profile that fits: a character of a name may take up to nine of a link. */
const profile = anyProfile.filter((one) => encodeProfile(one).length <= PROFILE_MAX_CHARS)

test('any profile is read back, and survives a URL', () => {
  fc.assert(
    fc.property(profile, (one) => {
      const text = encodeProfile(one)
      expect(decodeProfile(text)).toEqual({ value: one })
      expect(new URL(`https://gate/x#${text}`).hash.slice(1)).toBe(text)
    }),
  )
})

describe('a text that is not a profile is refused', () => {
  test.each([
    ['nothing', ''],
    ['another format', TEXT.replace('v=1', 'v=2')],
    ['another order', TEXT.replace('v=1&h=gate.example.org', 'h=gate.example.org&v=1')],
    ['a field twice', `${TEXT}&d=ssh`],
    ['an unknown field', `${TEXT}&x=1`],
    ['a field of another kind', `${TEXT}&q=1,2`],
    ['another spelling', TEXT.replace('d=ssh', 'd=%73sh')],
    ['small letters in the key', TEXT.replace('AAAQEAYE', 'aaaqeaye')],
    ['a broken escape', TEXT.replace('d=ssh', 'd=%zz')],
    ['a control character', TEXT.replace('d=ssh', 'd=s%0Ah')],
    ['a character that reverses text', TEXT.replace('d=ssh', 'd=s%E2%80%AEh')],
    ['no host', TEXT.replace('gate.example.org', '1.2.3')],
    ['a policy in place of a host', TEXT.replace('gate.example.org', 'x;script-src%20*')],
    ['a script in place of a host', TEXT.replace('gate.example.org', '%3Cscript%3E')],
    ['too large a port', TEXT.replace('p=22', 'p=65536')],
    ['a port with a zero', TEXT.replace('p=22', 'p=022')],
    ['a short key', TEXT.replace('AAAQEAYEAUDAOCAJBIFQYDIOB4IBCEQT', 'AAAQEAYE')],
    ['another algorithm', TEXT.replace('SHA1', 'MD5')],
    ['nine digits', TEXT.replace('n=8', 'n=9')],
    ['no period', TEXT.replace('t=30', 't=0')],
    ['an invalid sequence', TEXT.replace('7431,', '99999,')],
    ['a list elsewhere', 'v=1&h=gate&d=ssh&k=list&f=..%2Fx&i=key'],
    ['a list elsewhere, without escapes', 'v=1&h=gate&d=ssh&k=list&f=../x&i=key'],
    ['an unknown kind', 'v=1&h=gate&d=ssh&k=spa&i=key'],
    ['a long name', TEXT.replace('d=ssh', `d=${'s'.repeat(128)}`)],
    ['a long text', `${TEXT}${'7'.repeat(PROFILE_MAX_CHARS)}`],
    ['a query inside a key', TEXT.replace('s=AAAQ', 's=AAAQ%26digits=6')],
  ])('%s', (_, text) => {
    const read = decodeProfile(text)
    expect('message' in read && read.message).toMatch(/^(is|has|names) /)
    expect(JSON.stringify(read)).not.toMatch(/AAAQ|7431|gate/i)
  })

  test('any text is refused, or is exactly what writing its profile gives', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string({ maxLength: 8 }).map((text) => TEXT + text),
        ),
        (text) => {
          const read = decodeProfile(text)
          if ('value' in read) expect(encodeProfile(read.value)).toBe(text)
        },
      ),
    )
  })
})
