import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { SIGNED_MAX_CHARS, SignatureError, openSigned, readSigned, signText } from './signed.ts'

const ALICE = generateKeyPairSync('ed25519')
const MALLORY = generateKeyPairSync('ed25519')
const PLACE = '/postern/home/doc/users'
const TEXT = signText(PLACE, { version: 7 }, { name: 'alice', key: ALICE.privateKey })

const keyOf = (name: string) => (name === 'alice' ? ALICE.publicKey : undefined)

test('a signed value is read back with its signer', () => {
  expect(openSigned(PLACE, TEXT, keyOf)).toEqual({ by: 'alice', body: { version: 7 } })
  expect(readSigned(TEXT)).toEqual({ by: 'alice', body: { version: 7 } })
})

test('a text counts at no other place: a copy in another fleet, or of another kind, is refused', () => {
  for (const place of ['/postern/work/doc/users', '/postern/home/doc/hosts', '']) {
    expect(() => openSigned(place, TEXT, keyOf)).toThrow(SignatureError)
  }
})

test('nobody else can sign, change the content, or put their name to it', () => {
  const parts = JSON.parse(TEXT) as Record<string, string>
  const forged = signText(PLACE, { version: 7 }, { name: 'alice', key: MALLORY.privateKey })
  for (const text of [
    forged,
    JSON.stringify({ ...parts, body: '{"version":8}' }),
    JSON.stringify({ ...parts, by: 'mallory' }),
    JSON.stringify({ ...parts, signature: '' }),
  ]) {
    expect(() => openSigned(PLACE, text, () => ALICE.publicKey)).toThrow('the signature is wrong')
  }
  expect(() => openSigned(PLACE, TEXT, () => undefined)).toThrow('somebody who may not')
})

test.each(['', 'null', '[]', '1', '{', '{}', '{"by":1,"body":"","signature":""}', 'x'.repeat(SIGNED_MAX_CHARS + 1)])(
  'no signed text is refused as one: %.20s',
  (text) => {
    expect(() => openSigned(PLACE, text, keyOf)).toThrow(SignatureError)
  },
)
