// Goal: packets are the same, byte for byte, as those that the real fwknopd accepted, in both directions. Changed, cut
// or random bytes are not accepted.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeFields, encodeFields } from './fields.ts'
import type { DigestName } from './digest.ts'
import { DIGEST_NAMES } from './digest.ts'
import { Envelopes, openEnvelope } from './envelope.ts'
import { openRijndael, readWire, sealGnupg, sealRijndael, PACKET_MAX_BYTES } from './packet.ts'
import type { Hmac, Rijndael } from './packet.ts'
import { readRequest, writeRequest } from './request.ts'
import { CIPHER_MODES, deriveKey } from './rijndael.ts'
import type { CipherMode } from './rijndael.ts'

interface Vector {
  readonly name: string
  readonly mode: CipherMode
  readonly key: string
  readonly hmacDigest?: DigestName
  readonly hmacKey?: string
  readonly salt: string
  readonly cipherKey: string
  readonly iv: string
  readonly plain: string
  readonly wire: string
}

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const bytes = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
const textOf = (packet: Uint8Array): string => Buffer.from(packet).toString('latin1')

const { vectors } = JSON.parse(
  readFileSync(new URL('../../../test/fixtures/spa/fwknop.json', import.meta.url), 'utf8'),
) as { readonly vectors: readonly Vector[] }

const keysOf = ({ key, mode, hmacDigest, hmacKey }: Vector): { rijndael: Rijndael; hmac: Hmac | undefined } => ({
  rijndael: { key: hex(key), mode },
  hmac: hmacDigest === undefined ? undefined : { key: hex(hmacKey!), digest: hmacDigest },
})

/** The plain text of a packet; `undefined` if the packet is not valid. */
const open = (packet: Uint8Array, rijndael: Rijndael, hmac: Hmac | undefined): string | undefined => {
  const wire = readWire(packet)
  const opened = wire === undefined ? undefined : openEnvelope(wire, 'rijndael', hmac)
  if (opened === undefined || 'mismatch' in opened) return undefined
  const plain = openRijndael(opened.message, rijndael)
  const decoded = plain === undefined ? undefined : decodeFields(plain)
  return decoded === undefined || 'fault' in decoded ? undefined : encodeFields(decoded.fields, decoded.digest)
}

describe.each(vectors)('$name', (vector) => {
  const { rijndael, hmac } = keysOf(vector)

  test('the key is derived in the same way', () => {
    const { key, iv } = deriveKey(rijndael.key, hex(vector.salt), rijndael.mode)
    expect([Buffer.from(key).toString('hex'), Buffer.from(iv).toString('hex')]).toEqual([vector.cipherKey, vector.iv])
  })

  test('sealing makes the packet, and opening returns the text', () => {
    expect(textOf(sealRijndael(vector.plain, rijndael, hmac, hex(vector.salt)))).toBe(vector.wire)
    expect(open(bytes(vector.wire), rijndael, hmac)).toBe(vector.plain)
  })

  test('the request is read, and written in the same way', () => {
    const decoded = decodeFields(bytes(vector.plain))
    if ('fault' in decoded) throw new Error(decoded.fault)
    const request = readRequest(decoded.fields)
    if ('fault' in request) throw new Error(request.fault)
    expect(writeRequest(request)).toEqual({
      type: decoded.fields.type,
      message: decoded.fields.message,
      nat: decoded.fields.nat,
      timeoutS: decoded.fields.timeoutS,
    })
  })

  test('a packet with any byte changed is refused', () => {
    const packet = bytes(vector.wire)
    for (let index = 0; index < packet.length; index++) {
      for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
        const flipped = packet.slice()
        flipped[index]! ^= bit
        expect(open(flipped, rijndael, hmac)).toBe(undefined)
      }
    }
  })

  test('a part of the packet is refused, and so is a longer packet', () => {
    const packet = bytes(vector.wire)
    for (let length = 0; length < packet.length; length++) {
      expect(open(packet.subarray(0, length), rijndael, hmac)).toBe(undefined)
      expect(open(packet.subarray(packet.length - length), rijndael, hmac)).toBe(undefined)
    }
    for (const more of ['A', '=', '\n', '\0', 'AAAA']) {
      expect(open(bytes(vector.wire + more), rijndael, hmac)).toBe(undefined)
    }
  })

  test('the prefix that clients leave out is refused: it would make another packet of the same meaning', () => {
    expect(open(bytes(`U2FsdGVkX1${vector.wire}`), rijndael, hmac)).toBe(undefined)
  })
})

test('random bytes of any length, and random text, are refused', () => {
  const { rijndael, hmac } = keysOf(vectors[0]!)
  for (let length = 0; length <= 2_000; length++) {
    expect(open(randomBytes(length), rijndael, hmac)).toBe(undefined)
    expect(open(bytes(randomBytes(length).toString('base64').slice(0, length)), rijndael, hmac)).toBe(undefined)
    expect(open(bytes(randomBytes(length).toString('base64').slice(0, length)), rijndael, undefined)).toBe(undefined)
  }
})

test('a sealed packet is opened, under every mode, digest and key, and under no other key', () => {
  const key = fc.uint8Array({ minLength: 1, maxLength: 32 })
  const hmacs = fc.option(
    fc.record({ key: fc.uint8Array({ minLength: 1, maxLength: 128 }), digest: fc.constantFrom(...DIGEST_NAMES) }),
    { nil: undefined },
  )
  const user = fc.string({
    unit: fc.constantFrom(...Array.from('abcXYZ019 .-_@!#$%&()')),
    minLength: 20,
    maxLength: 40,
  })
  fc.assert(
    fc.property(
      key,
      fc.constantFrom(...CIPHER_MODES),
      hmacs,
      user,
      fc.constantFrom(...DIGEST_NAMES),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      fc.nat(65_536),
      (secret, mode, mac, name, digest, salt, timeoutS) => {
        const request = writeRequest({
          kind: 'access',
          address: undefined,
          ports: [{ protocol: 6, port: 22 }],
          nat: undefined,
          timeoutS,
        })
        const plain = encodeFields(
          {
            random: '0123456789012345',
            user: name,
            timestamp: 1_700_000_000,
            version: '3.0.0',
            serverAuth: undefined,
            ...request,
          },
          digest,
        )
        const packet = sealRijndael(plain, { key: secret, mode }, mac, salt)
        expect(open(packet, { key: secret, mode }, mac)).toBe(plain)
        const other = secret.slice()
        other[0]! ^= 1
        expect(open(packet, { key: other, mode }, mac)).toBe(undefined)
      },
    ),
  )
})

test('only messages that gpg makes for usual keys can be sealed', () => {
  const message = new Uint8Array(600).fill(7)
  message.set([0x85, 0x01, 0x0c])
  const packet = sealGnupg(message, undefined)!
  expect(openEnvelope(readWire(packet)!, 'gnupg', undefined)).toEqual({ message })
  // This is the beginning of a message for an X25519 key: hF4D…
  expect(sealGnupg(new Uint8Array([0x84, 0x5e, 0x03, ...message]), undefined)).toBe(undefined)
  expect(packet.length).toBeLessThan(PACKET_MAX_BYTES)
})

test('trying many keys on a packet gives the same result as each key alone, and derives each key once', () => {
  const keys = Array.from({ length: 5 }, (_, number) => new Uint8Array(32).fill(number))
  const salt = new Uint8Array(8)
  const plain = encodeFields(
    {
      random: '1234567890123456',
      user: 'alice',
      timestamp: 1_700_000_000,
      version: '3.0.0',
      type: 1,
      message: '192.0.2.2,tcp/22',
      nat: undefined,
      serverAuth: undefined,
      timeoutS: 0,
    },
    'sha256',
  )
  for (const digest of DIGEST_NAMES) {
    const sealed = sealRijndael(plain, { key: keys[0]!, mode: 'cbc' }, { key: keys[3]!, digest }, salt)
    const wire = readWire(sealed)!
    const envelopes = new Envelopes(wire)
    for (const other of DIGEST_NAMES) {
      for (const key of [...keys, ...keys]) {
        const hmac = { key, digest: other }
        const opened = envelopes.open('rijndael', hmac)
        expect(opened).toEqual(openEnvelope(wire, 'rijndael', { ...hmac }))
        expect('message' in opened).toBe(key === keys[3] && other === digest)
        // The object is the same: it was not derived again.
        expect(envelopes.open('rijndael', { key: key.slice(), digest: other })).toBe(opened)
      }
    }
  }
})
