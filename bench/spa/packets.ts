import { randomBytes } from 'node:crypto'
import { parseAddress } from '../../src/packet/address.ts'
import { TCP } from '../../src/packet/packet.ts'
import { ACCESS, PROTOCOL_VERSION, encodeFields } from '../../src/peer/fwknop/fields.ts'
import { sealRijndael } from '../../src/peer/fwknop/packet.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import type { KeyPair } from '../../src/spa/noise/curve.ts'
import { POSTERN_PACKET_BYTES, sealClaim } from '../../src/spa/noise/packet.ts'
import { USER_TAG_BYTES } from '../../src/spa/noise/tag.ts'
import { SERVICE_PORT } from '../world.ts'

/** Keys of fwknop's stanza. */
export const KEY = Buffer.alloc(32, 7)
export const HMAC_KEY = Buffer.alloc(64, 9)
/** The server's secret key for packets of our own. */
export const SERVER_SECRET = new Uint8Array(32).fill(11)
const SERVER_KEY = keyPairOf(SERVER_SECRET).publicKey
/** Users who send our own packets in turn: each of a user's must be newer than the one before. */
const USERS = 100
/** The users with a key, and one user whose key the server does not know. */
export const KNOWN: readonly KeyPair[] = Array.from({ length: USERS }, (_, index) =>
  keyPairOf(new Uint8Array(32).fill(index + 20)),
)
const STRANGER = keyPairOf(new Uint8Array(32).fill(12))
/** Milliseconds from one packet's time to the next: more than a number of milliseconds since 1970 is exact to. */
const APART_MS = 0.01
const SALT_BYTES = 8
const RANDOM_DIGITS = 16
const SECOND_MS = 1_000
/** Characters that a packet of fwknop's is made of. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

/** The packets there are: fwknop's, and our own. */
export type Format = 'fwknop' | 'own'
/**
 * The kinds of forged packets. For our own format: all that can be made without a user's key, public keys known or not,
 * and the tag of a packet that the attacker has seen, before other bytes.
 */
export type Forgery = 'fwknop' | 'random' | 'by a stranger' | 'a tag sent again'

/** Packets that open, one for each address. */
export function validPackets(format: Format, addresses: readonly string[]): readonly Uint8Array[] {
  const now = Date.now()
  return addresses.map((address, index) =>
    format === 'fwknop'
      ? fwknopPacket(address, now)
      : ownPacket(KNOWN[index % USERS]!, address, now + index * APART_MS),
  )
}

/** Packets that open nothing, all different. */
export function forgedPackets(forgery: Forgery, count: number): readonly Uint8Array[] {
  const address = '198.51.100.1'
  const now = Date.now()
  const length = fwknopPacket(address, now).length
  // Of a user who sends nothing meanwhile.
  const seen = ownPacket(KNOWN.at(-1)!, address, now).subarray(0, USER_TAG_BYTES)
  return Array.from({ length: count }, (_, index) => {
    if (forgery === 'random') return randomBytes(POSTERN_PACKET_BYTES)
    if (forgery === 'by a stranger') return ownPacket(STRANGER, address, now + index * APART_MS)
    if (forgery === 'a tag sent again') return Buffer.concat([seen, randomBytes(POSTERN_PACKET_BYTES - seen.length)])
    return Buffer.from(Array.from(randomBytes(length), (byte) => ALPHABET[byte % ALPHABET.length]!).join(''), 'latin1')
  })
}

function fwknopPacket(address: string, now: number): Uint8Array {
  const random = Array.from(randomBytes(RANDOM_DIGITS), (byte) => byte % 10).join('')
  const fields = {
    random,
    user: 'bench',
    timestamp: Math.floor(now / SECOND_MS),
    version: PROTOCOL_VERSION,
    type: ACCESS,
    message: `${address},tcp/${SERVICE_PORT}`,
    nat: undefined,
    serverAuth: undefined,
    timeoutS: 0,
  } as const
  const plain = encodeFields(fields, 'sha256')
  const hmac = { key: HMAC_KEY, digest: 'sha256' } as const
  return sealRijndael(plain, { key: KEY, mode: 'cbc' }, hmac, randomBytes(SALT_BYTES))
}

function ownPacket(user: KeyPair, address: string, unixMs: number): Uint8Array {
  const wanted = { kind: 'ports', ports: [{ protocol: TCP, port: SERVICE_PORT }] } as const
  const claim = { wanted, address: parseAddress(address), openS: 0 }
  const sealed = sealClaim({ user, server: SERVER_KEY, claim, unixMs, random: randomBytes(32) })
  if ('fault' in sealed) throw new Error(sealed.fault)
  return sealed.packet
}
