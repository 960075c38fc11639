// Goal: a packet says what its maker said, to the right server and to nobody else. A packet with one changed bit,
// another length or an unknown key opens nothing and ends nothing.
import { createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import { CLAIM_BYTES, decodeClaim, encodeClaim } from './claim.ts'
import type { Claim } from './claim.ts'
import { keyPairOf, sharedSecret } from './curve.ts'
import { openClaim, POSTERN_PACKET_BYTES, sealClaim } from './packet.ts'
import { USER_TAG_BYTES, hasMinute, minuteOf, tagKeyOf, tagOf } from './tag.ts'
import { readTimestamp, timestampBytes } from './timestamp.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'hex'))
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const server = keyPairOf(new Uint8Array(32).fill(1))
const user = keyPairOf(new Uint8Array(32).fill(2))
const NOW = 1_700_000_000_123
const find = (publicKey: Uint8Array): 'alice' | undefined =>
  toHex(publicKey) === toHex(user.publicKey) ? 'alice' : undefined

const ssh: Claim = { wanted: { kind: 'door', door: 'ssh' }, address: parseAddress('192.0.2.7'), openS: 60 }

const seal = (
  claim: Claim,
  { unixMs = NOW, random = new Uint8Array(randomBytes(32)), from = user, to = server, withMinute = true } = {},
): Uint8Array => {
  const sealed = sealClaim({ user: from, server: to.publicKey, claim, unixMs, random, withMinute })
  if ('fault' in sealed) throw new Error(sealed.fault)
  return sealed.packet
}

const addresses = fc.option(
  fc.oneof(
    fc.ipV4().filter((text) => text !== '0.0.0.0'),
    fc.ipV6().filter((text) => parseAddress(text) !== undefined && !/^[0:.]*$|ffff/i.test(text)),
  ),
  { nil: undefined },
)
const doors = anyText({ minLength: 1, maxLength: 127 }).filter(
  (text) => !/\p{Cc}|\p{Cs}/u.test(text) && new TextEncoder().encode(text).length <= 127,
)
const ports = fc.array(fc.record({ protocol: fc.constantFrom(6, 17), port: fc.integer({ min: 1, max: 65_535 }) }), {
  minLength: 1,
  maxLength: 32,
})
const claims = fc
  .record({
    wanted: fc.oneof(
      doors.map((door) => ({ kind: 'door', door })),
      ports.map((list) => ({ kind: 'ports', ports: list })),
    ),
    address: addresses.map((text) => (text === undefined ? undefined : parseAddress(text))),
    openS: fc.nat(86_400),
  })
  .map((claim) => claim as Claim)
const times = fc.integer({ min: 0, max: 4_102_444_800_000 })

test('a sealed packet is opened by the server that it was made for', () => {
  fc.assert(
    fc.property(claims, times, fc.uint8Array({ minLength: 32, maxLength: 32 }), (claim, unixMs, random) => {
      const packet = seal(claim, { unixMs, random })
      expect(packet).toHaveLength(POSTERN_PACKET_BYTES)
      const opened = openClaim(server, packet, find)
      if (!('claim' in opened)) throw new Error(JSON.stringify(opened))
      const { timestamp, unixMs: read, ...said } = opened.claim
      expect(said).toEqual(claim)
      expect(read).toBe(unixMs)
      expect(timestamp).toBe(toHex(timestampBytes(unixMs)))
      expect(opened.user).toBe('alice')
    }),
    { numRuns: 300 },
  )
})

test('a changed bit of its message is refused, whatever the tag', () => {
  const packet = seal(ssh)
  for (let index = USER_TAG_BYTES; index < packet.length; index++) {
    for (const bit of [1, 128]) {
      const flipped = packet.slice()
      flipped[index]! ^= bit
      expect(openClaim(server, flipped, find)).toEqual({ mismatch: 'forged' })
    }
  }
})

test('any other length is refused', () => {
  const packet = seal(ssh)
  for (let length = 0; length <= 2_000; length++) {
    if (length === packet.length) continue
    const other = new Uint8Array(length)
    other.set(packet.subarray(0, length))
    expect(openClaim(server, other, find)).toEqual({ mismatch: 'forged' })
  }
})

test('random bytes of any length are refused', () => {
  for (let length = 0; length <= 2_000; length += length < 400 ? 1 : 41) {
    expect(openClaim(server, randomBytes(length), find)).toEqual({ mismatch: 'forged' })
  }
})

test('an ephemeral key that gives the same secret with every key is refused', () => {
  const packet = seal(ssh)
  packet.set(new Uint8Array(32), USER_TAG_BYTES)
  expect(openClaim(server, packet, find)).toEqual({ mismatch: 'forged' })
})

test('a shared secret that was computed before opens it as well, and another one does not', () => {
  const secret = sharedSecret(server, user.publicKey)!
  expect(openClaim(server, seal(ssh), find, secret)).toMatchObject({ user: 'alice' })
  expect(openClaim(server, seal(ssh), find, new Uint8Array(32))).toEqual({ mismatch: 'forged' })
})

test('another server does not open it, and cannot pass it on', () => {
  expect(openClaim(keyPairOf(new Uint8Array(32).fill(3)), seal(ssh), find)).toEqual({ mismatch: 'forged' })
})

test('an unknown key is reported, before the claim is read', () => {
  const stranger = keyPairOf(new Uint8Array(32).fill(9))
  expect(openClaim(server, seal(ssh, { from: stranger }), find)).toEqual({ mismatch: 'unknown-key' })
})

test('two packets of one claim share nothing but the tag of their minute', () => {
  const one = seal(ssh)
  const other = seal(ssh)
  expect(one.subarray(0, USER_TAG_BYTES)).toEqual(other.subarray(0, USER_TAG_BYTES))
  const same = one.slice(USER_TAG_BYTES).filter((byte, index) => byte === other[USER_TAG_BYTES + index]).length
  // About one of 272 random bytes is the same by chance; twelve would be once in 10^8 runs.
  expect(same).toBeLessThan(12)
})

const tagIn = (packet: Uint8Array): string => toHex(packet.subarray(0, USER_TAG_BYTES))

describe('tags', () => {
  const minute = minuteOf(NOW)
  const key = tagKeyOf(sharedSecret(server, user.publicKey)!, server.publicKey, user.publicKey)

  test('the server computes the tag that the client sent', () => {
    expect(tagIn(seal(ssh))).toBe(toHex(tagOf(key, minute)))
    expect(tagIn(seal(ssh, { withMinute: false }))).toBe(toHex(tagOf(key, undefined)))
  })

  test('the key is HKDF of the shared secret, as in RFC 5869', () => {
    const dh = sharedSecret(server, user.publicKey)!
    const derived = hkdfSync('sha256', dh, 'postern spa 2 tag', Buffer.concat([server.publicKey, user.publicKey]), 32)
    expect(toHex(key)).toBe(toHex(new Uint8Array(derived)))
  })

  test('minutes, users and servers share no tag, and the same minute always has the same tag', () => {
    const others = [
      seal(ssh, { unixMs: NOW - 60_000 }),
      seal(ssh, { unixMs: NOW + 60_000 }),
      seal(ssh, { withMinute: false }),
      seal(ssh, { from: keyPairOf(new Uint8Array(32).fill(9)) }),
      seal(ssh, { to: keyPairOf(new Uint8Array(32).fill(3)) }),
      // The same two keys in exchanged roles have one shared secret.
      seal(ssh, { from: server, to: user }),
    ].map(tagIn)
    expect(new Set([tagIn(seal(ssh)), ...others]).size).toBe(others.length + 1)
    const start = minute * 60_000
    expect(tagIn(seal(ssh, { unixMs: start }))).toBe(tagIn(seal(ssh, { unixMs: start + 59_999.9 })))
    expect(tagIn(seal(ssh, { unixMs: start }))).not.toBe(tagIn(seal(ssh, { unixMs: start - 0.1 })))
  })

  test('a minute is eight bytes, big-endian, even beyond 32 bits', () => {
    const code = (bytes: string): string => createHmac('sha256', key).update(hex(bytes)).digest('hex').slice(0, 32)
    expect(toHex(tagOf(key, 28_333_333))).toBe(code('0000000001b05515'))
    expect(toHex(tagOf(key, 2 ** 32 + 7))).toBe(code('0000000100000007'))
    expect(toHex(tagOf(key, undefined))).toBe(code(''))
  })

  test.each([
    [undefined, false],
    [0, false],
    [1, true],
    [600_000, true],
    [600_001, false],
  ])('SPA_Max_Age of %s milliseconds contains a minute: %s', (age, expected) => {
    expect(hasMinute(age)).toBe(expected)
  })
})

describe('the fixed packets of doc/spa.md', () => {
  const { vectors } = JSON.parse(
    readFileSync(new URL('../../../test/fixtures/spa/postern.json', import.meta.url), 'utf8'),
  ) as {
    readonly vectors: readonly {
      readonly name: string
      readonly server: string
      readonly user: string
      readonly ephemeral: string
      readonly unixMs: number
      readonly door?: string
      readonly ports?: readonly { readonly protocol: 6 | 17; readonly port: number }[]
      readonly address?: string
      readonly openS: number
      readonly withMinute: boolean
      readonly tagKey: string
      readonly claim: string
      readonly packet: string
    }[]
  }
  const documented = readFileSync(new URL('../../../doc/spa.md', import.meta.url), 'utf8').replaceAll(/\s/g, '')

  test.each(vectors)('$name', (vector) => {
    const wanted: Claim['wanted'] =
      vector.door === undefined ? { kind: 'ports', ports: vector.ports! } : { kind: 'door', door: vector.door }
    const address = vector.address === undefined ? undefined : parseAddress(vector.address)
    const to = keyPairOf(hex(vector.server))
    const from = keyPairOf(hex(vector.user))
    const claim: Claim = { wanted, address, openS: vector.openS }
    const { unixMs, withMinute } = vector
    const packet = seal(claim, { from, to, unixMs, withMinute, random: Buffer.from(vector.ephemeral, 'hex') })
    expect(toHex(packet)).toBe(vector.packet)
    expect(encodeClaim(claim, vector.unixMs)).toEqual({ bytes: hex(vector.claim) })
    const opened = openClaim(to, hex(vector.packet), toHex)
    expect(opened).toMatchObject({ user: toHex(from.publicKey), claim })
    const secret = sharedSecret(to, from.publicKey)!
    expect(toHex(tagKeyOf(secret, to.publicKey, from.publicKey))).toBe(vector.tagKey)
    expect(documented).toContain(vector.tagKey)
    expect(documented).toContain(vector.packet)
    expect(documented).toContain(vector.claim)
  })
})

describe('claims', () => {
  test.each<[string, (bytes: Uint8Array) => void, RegExp]>([
    ['a year far in the future', (bytes) => bytes.set([0x80], 0), /invalid time/],
    ['a time before 2^62', (bytes) => bytes.set([0x3f], 0), /invalid time/],
    ['too many nanoseconds', (bytes) => bytes.set([0x3b, 0x9a, 0xca, 0x00], 8), /invalid time/],
    ['an invalid family', (bytes) => bytes.set([5], 12), /invalid address/],
    ['an address with no family', (bytes) => bytes.set([0], 12), /invalid address/],
    ['an IPv4 address with more behind it', (bytes) => bytes.set([1], 17), /invalid address/],
    ['a family without an address', (bytes) => bytes.set([0, 0, 0, 0], 13), /invalid address/],
    [
      'an IPv4 address in IPv6 form',
      (bytes) => bytes.set([6, ...hex('00000000000000000000ffffc0000207')], 12),
      /invalid address/,
    ],
    ['a time of more than a day', (bytes) => bytes.set([0, 1, 0x51, 0x81], 29), /open time/],
    ['no kind of request', (bytes) => bytes.set([0], 33), /unknown kind of request/],
    ['an unknown kind of request', (bytes) => bytes.set([3], 33), /unknown kind of request/],
    ['no name', (bytes) => bytes.set([0], 34), /invalid length/],
    ['too long a name', (bytes) => bytes.set([128], 34), /invalid length/],
    ['a name that is cut off', (bytes) => bytes.set([2], 34), /after its end/],
    ['bytes behind the name', (bytes) => bytes.set([1], CLAIM_BYTES - 1), /after its end/],
    ['a name that is not UTF-8', (bytes) => bytes.set([0xff], 35), /invalid name of a door/],
    ['a name with a line end in it', (bytes) => bytes.set([0x0a], 36), /invalid name of a door/],
    ['ports of an unknown protocol', (bytes) => bytes.set([2, 1, 0, 0, 22], 33), /invalid port/],
    ['port 0', (bytes) => bytes.set([2, 1, 6, 0, 0], 33), /invalid port/],
    ['too many ports', (bytes) => bytes.set([2, 33], 33), /invalid length/],
  ])('%s is a fault', (_, change, fault) => {
    const bytes = good()
    change(bytes)
    const decoded = decodeClaim(bytes)
    expect('fault' in decoded && decoded.fault).toMatch(fault)
  })

  test('each claim has one encoding: a read claim is written the same, and nothing throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 141, maxLength: 141 }), fc.nat(3), fc.nat(127), (rest, kind, count) => {
        const bytes = good()
        bytes.set(rest, 35)
        bytes[33] = kind
        bytes[34] = count
        bytes.fill(0, 35 + (kind === 2 ? Math.min(count, 47) * 3 : count))
        const decoded = decodeClaim(bytes)
        if ('fault' in decoded) return
        expect(encodeClaim(decoded, decoded.unixMs)).toEqual({ bytes })
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(decodeClaim(bytes)).toHaveProperty('fault')
      }),
    )
  })

  test.each<[Partial<Claim>, RegExp]>([
    [{ address: parseAddress('::ffff:192.0.2.7') }, /in IPv6 form/],
    [{ openS: -1 }, /open time/],
    [{ openS: 86_401 }, /open time/],
    [{ openS: 1.5 }, /open time/],
    [{ wanted: { kind: 'door', door: '' } }, /no name/],
    [{ wanted: { kind: 'door', door: 'ä'.repeat(64) } }, /too long/],
    [{ wanted: { kind: 'ports', ports: [] } }, /no port/],
    [{ wanted: { kind: 'ports', ports: Array.from({ length: 33 }, () => ({ protocol: 6, port: 22 })) } }, /too many/],
  ])('%j cannot be encoded', (change, fault) => {
    const encoded = encodeClaim({ ...ssh, ...change }, NOW)
    expect('fault' in encoded && encoded.fault).toMatch(fault)
  })

  test('an address is read back as it was claimed', () => {
    for (const text of ['255.255.255.255', '0.0.0.1', '::1', 'fe80::1', '2001:db8::8']) {
      const encoded = encodeClaim({ ...ssh, address: parseAddress(text) }, NOW)
      if ('fault' in encoded) throw new Error(encoded.fault)
      const decoded = decodeClaim(encoded.bytes)
      expect('fault' in decoded ? decoded : formatAddress(decoded.address!)).toBe(text)
    }
  })
})

describe('times', () => {
  // The example of the TAI64 page: 1992-06-02 08:06:43 UTC, sixteen leap seconds after 1970.
  test('a time is written as a TAI64N label', () => {
    expect(toHex(timestampBytes(0))).toBe('400000000000000a00000000')
    expect(toHex(timestampBytes(1_700_000_000_123))).toBe('400000006553f10a0754d4c0')
    expect(readTimestamp(hex('400000002a2b2c2d00000000'))?.unixMs).toBe(Date.UTC(1992, 5, 2, 8, 6, 43) + 16_000)
  })

  test('a later time is greater, in the order of the text too', () => {
    const at = fc.double({ min: 0, max: 4e12, noNaN: true })
    fc.assert(
      fc.property(at, at, (one, other) => {
        const [first, second] = [one, other].sort((a, b) => a - b).map((ms) => toHex(timestampBytes(ms)))
        expect(first! <= second!).toBe(true)
        expect(readTimestamp(timestampBytes(one))!.unixMs).toBeCloseTo(one, 2)
      }),
    )
  })
})

/** Returns the bytes of a valid claim. */
function good(): Uint8Array {
  const encoded = encodeClaim(ssh, NOW)
  if ('fault' in encoded) throw new Error(encoded.fault)
  return encoded.bytes
}
