// Goal: single packets keep the contract of every authenticator.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { tmpdir } from 'node:os'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { writeProfile } from '../../test/peer/profile.ts'
import { readConfig } from '../config/read.ts'
import { textOf } from '../log/format.ts'
import { parseAddress } from '../packet/address.ts'
import { Packet, SYN, TCP, UDP } from '../packet/packet.ts'
import type { Claim } from '../secret/authenticator.ts'
import { testContract } from '../../test/secret/contract.ts'
import { fakeDeps } from '../secret/deps-fake.ts'
import type { Fixture, Tested } from '../../test/secret/contract.ts'
import { NoiseAuthenticator } from '../secret/noise/noise-authenticator.ts'
import { WorkBudget } from '../secret/work-budget.ts'
import { encodeBase64 } from '../spa/base64.ts'
import { DIGEST_DEFAULT } from './fwknop/digest.ts'
import { ACCESS, PROTOCOL_VERSION, encodeFields } from './fwknop/fields.ts'
import { sealRijndael } from './fwknop/packet.ts'
import { encodeSyn } from './knockknock/syn.ts'
import { keyPairOf } from '../spa/noise/curve.ts'
import { formatKey } from '../spa/noise/key-text.ts'
import { sealClaim } from '../spa/noise/packet.ts'
import { FwknopAuthenticator } from './fwknop/authenticator/fwknop-authenticator.ts'
import { KnockknockAuthenticator } from './knockknock/authenticator/knockknock-authenticator.ts'

const SOURCE = parseAddress('192.0.2.7')!
const KNOCK_PORT = 666

const path = (folder: string): string => join(folder, 'file')
const bytesOf = (first: number, count = 32): Uint8Array<ArrayBuffer> => new Uint8Array(count).fill(first)
const work = (): WorkBudget => new WorkBudget(() => 0)

/** A packet and its payload. */
interface Sent {
  readonly packet: Packet
  readonly payload: Uint8Array
}

const sent = new Map<Claim<unknown>, Sent>()

function offer({ authenticator, deps }: Tested, { packet, payload }: Sent): Claim<unknown> | undefined {
  const { claims, explained } = deps
  const [claimed, before] = [claims.length, claims.length + explained.length]
  // A packet of this kind makes a claim, or it is explained why not.
  expect(authenticator.offer(packet, payload)).toBe(claims.length + explained.length > before)
  return claims[claimed]
}

/** @param make makes a packet that nobody has sent before */
function packets(make: (which: 'first' | 'second', count: number) => Sent): Pick<Fixture, 'claim' | 'again' | 'once'> {
  let count = 0
  return {
    claim: async (tested, which) => {
      const made = make(which, ++count)
      const claim = offer(tested, made)!
      sent.set(claim, made)
      return await Promise.resolve(claim)
    },
    again: async (tested, claim) => await Promise.resolve(offer(tested, sent.get(claim)!)),
    once: true,
  }
}

function datagram(payload: Uint8Array): Sent {
  const fields = { family: 4, protocol: UDP, port: 62_201, sourceA: SOURCE.a, payloadEnd: payload.length } as const
  return { packet: Object.assign(new Packet(), fields), payload }
}

const SERVER = bytesOf(9)
const USERS = { first: keyPairOf(bytesOf(1)), second: keyPairOf(bytesOf(2)) }
const lineOf = (which: 'first' | 'second', name: string): string =>
  `doors=d ports=tcp/22 ${formatKey('postern-user', USERS[which].publicKey)} ${name}\n`

const noise: Fixture = {
  hasUsers: true,
  make: (deps) => new NoiseAuthenticator(deps, work()),
  prepare: (folder) => {
    writeFileSync(join(folder, 'server.key'), formatKey('postern-server-secret', SERVER), { mode: 0o600 })
  },
  lines: (folder) => `SPA = postern\nSPA_Users = ${path(folder)}`,
  file: {
    path,
    both: lineOf('first', 'alice') + lineOf('second', 'bob'),
    second: lineOf('second', 'bob'),
    faulty: `color=red ${lineOf('first', 'alice')}color=red ${lineOf('second', 'bob')}`,
  },
  ...packets((which, count) => {
    const claim = { wanted: { kind: 'door', door: 'd' }, address: SOURCE, openS: 0 } as const
    const { publicKey: server } = keyPairOf(SERVER)
    const made = sealClaim({ user: USERS[which], server, claim, unixMs: Date.now() + count, random: bytesOf(count) })
    if ('fault' in made) throw new Error(made.fault)
    return datagram(made.packet)
  }),
}
testContract("Postern's own packets", noise)

const STANZAS = { first: { key: bytesOf(1), hmac: bytesOf(2) }, second: { key: bytesOf(3), hmac: bytesOf(4) } }
const stanzaOf = ({ key, hmac }: (typeof STANZAS)['first']): string =>
  `SOURCE ANY\nKEY_BASE64 ${encodeBase64(key)}\nHMAC_KEY_BASE64 ${encodeBase64(hmac)}\nFW_ACCESS_TIMEOUT 86400\n`

const fwknop: Fixture = {
  hasUsers: true,
  make: (deps) => new FwknopAuthenticator(deps, work()),
  lines: (folder) => `SPA = fwknop\nAccess_File = ${path(folder)}`,
  file: {
    path,
    both: stanzaOf(STANZAS.first) + stanzaOf(STANZAS.second),
    second: stanzaOf(STANZAS.second),
    faulty: `${stanzaOf(STANZAS.first)}${stanzaOf(STANZAS.second)}COLOR red\n`,
  },
  ...packets((which, count) => {
    const { key, hmac } = STANZAS[which]
    const fields = {
      random: String(count).padStart(16, '1'),
      user: 'bob',
      // The store begins in this second, and forgets what was before.
      timestamp: Math.floor(Date.now() / 1_000) + 1,
      version: PROTOCOL_VERSION,
      type: ACCESS,
      message: '192.0.2.7,tcp/22',
      nat: undefined,
      serverAuth: undefined,
      timeoutS: 0,
    } as const
    const salt = bytesOf(count, 8)
    const plain = encodeFields(fields, DIGEST_DEFAULT)
    return datagram(sealRijndael(plain, { key, mode: 'cbc' }, { key: hmac, digest: DIGEST_DEFAULT }, salt))
  }),
}
testContract("fwknop's packets", fwknop)

const PROFILES = {
  first: { cipherKey: bytesOf(1, 16), macKey: bytesOf(2, 16) },
  second: { cipherKey: bytesOf(3, 16), macKey: bytesOf(4, 16) },
}

const knockknock: Fixture = {
  hasUsers: true,
  make: (deps) => new KnockknockAuthenticator(deps, work()),
  prepare: (folder) => {
    for (const [name, keys] of Object.entries(PROFILES)) writeProfile(join(folder, 'profiles', name), keys)
  },
  lines: (folder) => `SPA = knockknock\nProfiles = ${folder}/profiles`,
  revoke: async ({ folder, deps }) => {
    const before = deps.changes()
    rmSync(join(folder, 'profiles', 'first'), { recursive: true })
    await vi.waitFor(() => expect(deps.said).toContain('d: access of first revoked'))
    expect(deps.changes()).toBeGreaterThan(before)
  },
  ...packets((which, count) => {
    const fields = { family: 4, protocol: TCP, port: KNOCK_PORT, flags: SYN, sourceA: SOURCE.a } as const
    return {
      packet: Object.assign(new Packet(), encodeSyn(22, PROFILES[which], count), fields),
      payload: bytesOf(0, 0),
    }
  }),
}
testContract("knockknock's packets", knockknock)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-packets-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each([
  ["Postern's own", noise, 'bob'],
  ["fwknop's", fwknop, 'file:2'],
])('%s: a file that changes between packet and redemption decides', async (_, fixture, user) => {
  const deps = await fakeDeps(join(folder, 'lists'))
  const authenticator = fixture.make(deps)
  const tested = { authenticator, deps, folder }
  const put = (text: string): void => {
    writeFileSync(path(folder), text, { mode: 0o600 })
    const config = `[options]\nSPA_Key_File = ${folder}/server.key\n[d]\n${fixture.lines(folder)}\nOpen_Ports = tcp/22\n`
    const { doors, options } = readConfig(config, 'k').config!
    authenticator.replace(doors, options)
  }
  fixture.prepare?.(folder)
  put(fixture.file!.both)
  const [first, second] = [await fixture.claim(tested, 'first'), await fixture.claim(tested, 'second')]
  // The second key is on another line now.
  put(`# the first key is gone\n${fixture.file!.second}`)
  const redeemed = await authenticator.redeem(first)
  const refused = 'refused' in redeemed ? redeemed.refused : undefined
  expect(textOf(refused!)).toBe('192.0.2.7: d: stays shut: access was revoked meanwhile')
  expect(await authenticator.redeem(second)).toMatchObject({ user })
  await authenticator.close()
})
