import { createHmac, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect } from 'vitest'
import { parseAddress } from '../../src/packet/address.ts'
import { TCP, UDP } from '../../src/packet/packet.ts'
import { ACCESS, PROTOCOL_VERSION, encodeFields } from '../../src/peer/fwknop/fields.ts'
import { sealRijndael } from '../../src/peer/fwknop/packet.ts'
import { encodeSyn } from '../../src/peer/knockknock/syn.ts'
import { WORK_LIMITS } from '../../src/secret/work-budget.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { sealClaim } from '../../src/spa/noise/packet.ts'
import type { Segment } from '../packets/build.ts'
import { writeProfile } from '../peer/profile.ts'
import { SERVER_4 } from './net.ts'
import { scratch } from './scratch.ts'

/** Milliseconds in which a source earns what it can owe at most for the time that its packets took. */
const REST_MS = (WORK_LIMITS.source.burst / WORK_LIMITS.source.perSecond) * 1_000
/** More of them, for a busy machine. */
const BUSY_MS = 50

/** Waits until any source may send a single packet again: the first ones of a daemon can take all the time there is. */
export const rested = async (): Promise<void> => await pause(REST_MS + BUSY_MS)

const STANZAS = 200
const PROFILES = 100
const KNOCK_PORT = 666
const SPA_PORT = 62_201
/** An address that forged packets claim. */
const CLAIMED = '198.51.100.1'

/** A kind of single packet: the config of a door for many users (fwknop: with more lines in each stanza), honest packets, and forged ones. */
export interface Kind {
  readonly config: (stanza?: string) => string
  /** An honest packet, another for each number. */
  readonly honest: (number: number, from: string, door?: string) => Segment
  readonly forged: (index: number) => Segment
}

const keyOf = (number: number, length: number): Uint8Array =>
  new Uint8Array(createHmac('sha512', 'key').update(String(number)).digest().subarray(0, length))
/** Of an honest packet. */
const FWKNOP_CHARS = 225
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

export const fwknop: Kind = {
  config: (stanza = '') => {
    const file = scratch('access.conf')
    const stanzas = Array.from(
      { length: STANZAS },
      (_, number) =>
        `SOURCE ANY\nKEY_BASE64 ${base64(keyOf(number, 32))}\nHMAC_KEY_BASE64 ${base64(keyOf(1_000 + number, 64))}\n${stanza}`,
    )
    writeFileSync(file, stanzas.join(''), { mode: 0o600 })
    return `SPA = fwknop\nAccess_File = ${file}`
  },
  honest: (number, from) => {
    const fields = {
      random: String(1_000_000_000_000_000 + number),
      user: `user${String(number % 100).padStart(2, '0')}`,
      timestamp: Math.floor(Date.now() / 1000),
      version: PROTOCOL_VERSION,
      type: ACCESS,
      message: `${from},tcp/22`,
      nat: undefined,
      serverAuth: undefined,
      timeoutS: 0,
    } as const
    // The last stanza: none is tried after it.
    const rijndael = { key: keyOf(STANZAS - 1, 32), mode: 'cbc' } as const
    const hmac = { key: keyOf(1_000 + STANZAS - 1, 64), digest: 'sha256' } as const
    const plain = encodeFields(fields, 'sha256')
    const payload = [...sealRijndael(plain, rijndael, hmac, new Uint8Array(randomBytes(8)))]
    expect(payload).toHaveLength(FWKNOP_CHARS)
    return { from, to: SERVER_4, protocol: UDP, port: SPA_PORT, payload }
  },
  forged: () => ({
    to: SERVER_4,
    protocol: UDP,
    port: SPA_PORT,
    // As long as an honest one, with an HMAC that is wrong. It ends in base64 of whole bytes: any other costs no HMAC.
    payload: [
      ...Buffer.from(
        `${randomBytes(400)
          .toString('base64')
          .slice(0, FWKNOP_CHARS - 1)}A`,
      ),
    ],
  }),
}

const profileKeys = (number: number): { cipherKey: Uint8Array; macKey: Uint8Array } => ({
  cipherKey: keyOf(2_000 + number, 16),
  macKey: keyOf(3_000 + number, 16),
})

export const knockknock: Kind = {
  config: () => {
    const folder = scratch('profiles')
    for (let number = 0; number < PROFILES; number++) {
      writeProfile(join(folder, `user${String(number).padStart(3, '0')}`), profileKeys(number))
    }
    return `SPA = knockknock\nProfiles = ${folder}`
  },
  honest: (number, from) => ({
    from,
    to: SERVER_4,
    protocol: TCP,
    port: KNOCK_PORT,
    ...encodeSyn(22, profileKeys(PROFILES - 1), number),
  }),
  forged: (index) => ({
    to: SERVER_4,
    protocol: TCP,
    port: KNOCK_PORT,
    sourcePort: 1_024 + (index % 60_000),
    sequence: randomBytes(4).readInt32BE(),
    identification: index & 0xffff,
    window: 64_240,
  }),
}

export const SERVER_SECRET = new Uint8Array(32).fill(11)
const SERVER = keyPairOf(SERVER_SECRET)
const sealed = (secret: Uint8Array, address: string, number: number, door = 'door'): number[] => {
  const claim = {
    wanted: { kind: 'door', door },
    address: parseAddress(address),
    openS: 0,
  } as const
  const user = keyPairOf(secret)
  const of = { user, server: SERVER.publicKey, claim, unixMs: Date.now() + number, random: randomBytes(32) }
  const made = sealClaim(of)
  if ('fault' in made) throw new Error(made.fault)
  return [...made.packet]
}

const userLine = (number: number): string =>
  `${formatKey('postern-user', keyPairOf(keyOf(number, 32)).publicKey)} user${number}\n`

export const ours: Kind = {
  config: () => {
    const users = scratch('users')
    writeFileSync(users, Array.from({ length: 20 }, (_, number) => userLine(number)).join(''), { mode: 0o600 })
    return `SPA = postern\nSPA_Users = ${users}`
  },
  honest: (number, from, door = 'door') => ({
    from,
    to: SERVER_4,
    protocol: UDP,
    port: SPA_PORT,
    payload: sealed(keyOf(7, 32), from, number, door),
  }),
  // By somebody who knows the server's public key, and has no key that the server knows.
  forged: (index) => ({
    to: SERVER_4,
    protocol: UDP,
    port: SPA_PORT,
    payload: sealed(keyOf(5_000 + index, 32), CLAIMED, 0),
  }),
}
