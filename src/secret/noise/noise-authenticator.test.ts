// Goal: nobody but a user has the server do public-key work, and nobody but that user pays for it, whatever is sent again,
// mixed or made up; and users, doors and files may come and go meanwhile.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { parseAddress } from '../../packet/address.ts'
import { Packet, UDP } from '../../packet/packet.ts'
import { keyPairOf } from '../../spa/noise/curve.ts'
import type { KeyPair } from '../../spa/noise/curve.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { POSTERN_PACKET_BYTES, sealClaim } from '../../spa/noise/packet.ts'
import { USER_TAG_BYTES } from '../../spa/noise/tag.ts'
import { fakeDeps } from '../deps-fake.ts'
import type { FakeDeps } from '../deps-fake.ts'
import { WorkBudget } from '../work-budget.ts'
import { USER_PACKETS } from './allowances.ts'
import { NoiseAuthenticator } from './noise-authenticator.ts'

const SERVER_SECRET = new Uint8Array(32).fill(9)
const ALICE = keyPairOf(new Uint8Array(32).fill(1))
const BOB = keyPairOf(new Uint8Array(32).fill(2))
const lineOf = ({ publicKey }: KeyPair, name: string): string =>
  `packet-source ${formatKey('postern-user', publicKey)} ${name}\n`
const BOTH = lineOf(ALICE, 'alice') + lineOf(BOB, 'bob')

let folder: string
let deps: FakeDeps
let authenticator: NoiseAuthenticator
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-noise-'))
  deps = await fakeDeps(join(folder, 'lists'))
  authenticator = new NoiseAuthenticator(deps, new WorkBudget(() => 0))
  write('server.key', formatKey('postern-server-secret', SERVER_SECRET))
})
afterEach(async () => {
  await authenticator.close()
  rmSync(folder, { recursive: true })
})

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text, { mode: 0o600 })
}

/** Puts doors in force, each with its file of users and further directives. */
function put(doors: Readonly<Record<string, string>>): void {
  const lines = Object.entries(doors).map(
    ([name, more]) => `[${name}]\nSPA = postern\nSPA_Users = ${folder}/${name}\nOpen_Ports = tcp/22\n${more}\n`,
  )
  const { config } = readConfig(`[options]\nSPA_Key_File = ${folder}/server.key\n${lines.join('')}`, 'k')
  authenticator.replace(config!.doors, config!.options)
}

let count = 0
function seal(
  user: KeyPair,
  door = 'ssh',
  { unixMs = Date.now() + ++count / 100, withMinute = true } = {},
): Uint8Array {
  const { publicKey: server } = keyPairOf(SERVER_SECRET)
  const claim = { wanted: { kind: 'door', door }, address: undefined, openS: 0 } as const
  const sealed = sealClaim({ user, server, claim, unixMs, random: randomBytes(32), withMinute })
  if ('fault' in sealed) throw new Error(sealed.fault)
  return sealed.packet
}

/** The steady time of packets. */
let time = 0
/** Offers a packet. Returns the door that it claims, what is explained, or that it is not taken. */
function offer(payload: Uint8Array, source = '192.0.2.7'): string {
  const { a } = parseAddress(source)!
  const fields = { family: 4, protocol: UDP, port: 62_201, sourceA: a, payloadEnd: payload.length, time } as const
  const [claims, explained, said] = [deps.claims.length, deps.explained.length, deps.said.length]
  const taken = authenticator.offer(Object.assign(new Packet(), fields), payload)
  const told = [...deps.claims.slice(claims).map(({ door }) => door), ...deps.explained.slice(explained)]
  const all = [...told, ...deps.said.slice(said)]
  expect(taken).toBe(all.length > 0)
  return all.join('; ') || 'not taken'
}

/** The tag of one packet and the message of another. */
const mixed = (tag: Uint8Array, message: Uint8Array): Uint8Array =>
  Buffer.concat([tag.subarray(0, USER_TAG_BYTES), message.subarray(USER_TAG_BYTES)])
/** A tag that was seen, before random bytes. */
const resent = (packet: Uint8Array): Uint8Array => mixed(packet, randomBytes(POSTERN_PACKET_BYTES))
const USED_UP = 'too many single packets with the tag of this user at the moment'

test('a stranger’s packets are not taken and say nothing: random, altered tags, other keys, other versions and lengths', () => {
  write('ssh', BOTH)
  put({ ssh: '' })
  const stranger = keyPairOf(new Uint8Array(32).fill(3))
  for (let index = 0; index < 100; index++) expect(offer(randomBytes(POSTERN_PACKET_BYTES))).toBe('not taken')
  expect(offer(seal(stranger))).toBe('not taken')
  const good = seal(ALICE)
  for (let index = 0; index < USER_TAG_BYTES; index++) {
    const other = Uint8Array.from(good)
    other[index]! ^= 1
    expect(offer(other)).toBe('not taken')
  }
  expect(offer(good.subarray(1))).toBe('not taken')
  expect(offer(new Uint8Array([...good, 0]))).toBe('not taken')
  expect(offer(seal(ALICE, 'ssh', { withMinute: false }))).toBe('not taken')
  expect(offer(good)).toBe('ssh')
})

test('the message of one user with the tag of another is refused, and costs the tag’s owner alone', () => {
  write('ssh', BOTH)
  put({ ssh: '' })
  const tag = seal(ALICE)
  for (let index = 0; index < USER_PACKETS.burst; index++) {
    expect(offer(mixed(tag, seal(BOB)))).toBe('single packet: the tag is that of another user')
  }
  expect(offer(mixed(tag, seal(BOB)))).toBe(USED_UP)
  expect(offer(seal(ALICE))).toBe(USED_UP)
  expect(offer(seal(BOB))).toBe('ssh')
  time += 1_000
  expect(offer(seal(ALICE))).toBe('ssh')
})

test('a tag that is sent again burns its owner’s allowance, from whatever address, and nobody else’s', () => {
  write('ssh', BOTH)
  put({ ssh: '' })
  const tag = seal(ALICE)
  expect(offer(tag)).toBe('ssh')
  const told = Array.from({ length: 1_000 }, (_, index) => offer(resent(tag), `198.51.${index >>> 8}.${index & 255}`))
  expect(told.filter((each) => each === USED_UP)).toHaveLength(1_000 - (USER_PACKETS.burst - 1))
  expect(offer(seal(BOB), '198.51.0.1')).toBe('ssh')
  expect(offer(seal(ALICE))).toBe(USED_UP)
  // An allowance outlives a reload.
  put({ ssh: '' })
  expect(offer(seal(ALICE))).toBe(USED_UP)
  time += 1_000 / USER_PACKETS.perSecond
  expect(offer(seal(ALICE))).toBe('ssh')
})

test('copies of an opened packet are charged to nobody, after a reload too', () => {
  write('ssh', BOTH)
  put({ ssh: '' })
  const packet = seal(ALICE)
  expect(offer(packet)).toBe('ssh')
  for (let index = 0; index < 500; index++) expect(offer(packet)).toBe('single packet: a copy of an earlier one')
  put({ ssh: '' })
  expect(offer(packet)).toBe('single packet: a copy of an earlier one')
  // The same message with another tag of its user is a copy as well.
  expect(offer(mixed(seal(ALICE, 'ssh', { unixMs: Date.now() - 60_000 }), packet))).toMatch(/a copy/)
  expect(offer(seal(ALICE))).toBe('ssh')
})

test('who is removed is a stranger at once, and who stays is not', () => {
  write('ssh', BOTH)
  put({ ssh: '' })
  const packet = seal(ALICE)
  write('ssh', lineOf(BOB, 'bob'))
  put({ ssh: '' })
  expect(offer(packet)).toBe('not taken')
  expect(offer(seal(BOB))).toBe('ssh')
  write('ssh', `${lineOf(BOB, 'bob')}color=red ${lineOf(ALICE, 'alice')}`)
  put({ ssh: '' })
  expect(offer(seal(ALICE))).toBe('not taken')
  expect(offer(seal(BOB))).toBe('ssh')
})

test('one key at two doors: each for its own age, and gone only with the last line', () => {
  write('ssh', BOTH)
  write('web', lineOf(ALICE, 'alice'))
  put({ ssh: '', web: 'SPA_Max_Age = 0' })
  expect(offer(seal(ALICE, 'web', { unixMs: 1_000_000, withMinute: false }))).toBe('web')
  expect(offer(seal(ALICE, 'ssh'))).toBe('ssh')
  // Any age is for the other door.
  expect(offer(seal(ALICE, 'ssh', { withMinute: false }))).toBe('ssh')
  expect(offer(seal(BOB, 'ssh', { withMinute: false }))).toBe('not taken')
  write('web', '')
  put({ ssh: '', web: 'SPA_Max_Age = 0' })
  expect(offer(seal(ALICE, 'web'))).toMatch(/there is no door web for this key/)
  expect(offer(seal(ALICE, 'ssh'))).toBe('ssh')
  put({ web: '' })
  expect(offer(seal(ALICE, 'ssh'))).toBe('not taken')
})

test('above ten minutes a client without the setting opens as long as its clock is right, and one with it at any time', () => {
  write('ssh', BOTH)
  put({ ssh: 'SPA_Max_Age = 1h' })
  expect(offer(seal(ALICE))).toBe('ssh')
  expect(offer(seal(ALICE, 'ssh', { unixMs: Date.now() + 1_800_000 }))).toBe('not taken')
  expect(offer(seal(ALICE, 'ssh', { unixMs: Date.now() + 1_800_000, withMinute: false }))).toBe('ssh')
})

test('a packet that is too old for its door, with a tag that counts, is logged', () => {
  write('ssh', BOTH)
  write('web', BOTH)
  put({ ssh: '', web: 'SPA_Max_Age = 10m' })
  expect(offer(seal(ALICE, 'ssh', { unixMs: Date.now() - 400_000 }))).toMatch(/alice.*ssh: the packet is 400 s old/)
  expect(offer(seal(ALICE, 'web', { unixMs: Date.now() + 300_000 }))).toBe('web')
})

test('another key of the server: packets for the one before are a stranger’s', () => {
  write('ssh', BOTH)
  put({ ssh: '' })
  const packet = seal(ALICE)
  write('server.key', formatKey('postern-server-secret', new Uint8Array(32).fill(10)))
  put({ ssh: '' })
  expect(offer(packet)).toBe('not taken')
})

test('users who are read again are those of the file, with the time of their newest packet', async () => {
  write('ssh', BOTH)
  put({ ssh: '' })
  const unixMs = Date.now() + 1_000
  expect(offer(seal(ALICE, 'ssh', { unixMs }))).toBe('ssh')
  await authenticator.redeem(deps.claims.at(-1) as Parameters<NoiseAuthenticator['redeem']>[0])
  expect(authenticator.readUsers('ssh')).toEqual({
    file: join(folder, 'ssh'),
    fault: undefined,
    users: [
      { name: 'alice', lastUsedMs: expect.closeTo(unixMs, 0) },
      { name: 'bob', lastUsedMs: undefined },
    ],
  })
  write('ssh', lineOf(BOB, 'bob'))
  expect(authenticator.readUsers('ssh')!.users.map(({ name }) => name)).toEqual(['bob'])
  expect(offer(seal(ALICE))).toBe('not taken')
  rmSync(join(folder, 'ssh'))
  expect(authenticator.readUsers('ssh')).toMatchObject({ fault: expect.stringMatching(/no such file$/) })
  expect(authenticator.readUsers('gone')).toBeUndefined()
})
