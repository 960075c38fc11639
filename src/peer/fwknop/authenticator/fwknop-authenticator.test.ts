// Goal: a used packet is remembered for as long as any door would accept it again, however many packets come to another
// door. Floods keep out no source that SOURCE names.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { readConfig } from '../../../config/read.ts'
import { parseAddress } from '../../../packet/address.ts'
import { Packet, UDP } from '../../../packet/packet.ts'
import { SYSTEM_CLOCK } from '../../../secret/clock.ts'
import { WORK_LIMITS, WorkBudget } from '../../../secret/work-budget.ts'
import { DIGEST_DEFAULT } from '../digest.ts'
import { PROTOCOL_VERSION, encodeFields } from '../fields.ts'
import { sealRijndael } from '../packet.ts'
import { JournalLedger } from '../../../state/journal-ledger.ts'
import { HolderMarks } from '../../../secret/holder-marks.ts'
import { FwknopAuthenticator } from './fwknop-authenticator.ts'
import { DIGESTS_MAX } from './used-digests.ts'

const key = Buffer.alloc(32, 1)
const hmacFor = (secret: Uint8Array): Buffer => Buffer.alloc(32, secret[0]! + 100)

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-fwknops-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const nothing = (): void => undefined

const packet = (number: number, from = '192.0.2.7', secret: Uint8Array = key): Uint8Array => {
  const fields = {
    random: `123456789012345${number}`,
    user: 'bob',
    timestamp: Math.floor(Date.now() / 1_000),
    version: PROTOCOL_VERSION,
    type: 1,
    message: `${from},tcp/22`,
    nat: undefined,
    serverAuth: undefined,
    timeoutS: 0,
  } as const
  return sealRijndael(
    encodeFields(fields, DIGEST_DEFAULT),
    { key: secret, mode: 'cbc' },
    { key: hmacFor(secret), digest: DIGEST_DEFAULT },
    Buffer.alloc(8, 3),
  )
}

/** An authenticator whose journal has these entries, and the results of the packets. */
const authenticatorOf = (used: Map<string, string>, work: WorkBudget) => {
  const store = {
    newest: (name: string) => used.get(name),
    advance: async (name: string, value: string) =>
      await Promise.resolve(!used.has(name) && used.set(name, value) === used),
    forget: async (name: string) => await Promise.resolve(void used.delete(name)),
    *keys(prefix: string) {
      yield* [...used.keys()].filter((name) => name.startsWith(prefix))
    },
    loss: undefined,
    acceptsLoss: () => false,
  }
  const redeemed: Promise<unknown>[] = []
  const fwknop: FwknopAuthenticator = new FwknopAuthenticator(
    {
      store,
      ledger: new JournalLedger({ ...store, used: async () => await Promise.resolve(false), wasUsed: () => false }),
      gate: { add: nothing, remove: nothing },
      log: { event: nothing, notice: nothing },
      clock: SYSTEM_CLOCK,
      claimed: (claim) => void redeemed.push(fwknop.redeem(claim)),
      isOwn: () => false,
      holdersChanged: nothing,
      needsChanged: nothing,
      marks: new HolderMarks(new Uint8Array(32).fill(1)),
    },
    work,
  )
  return { fwknop, redeemed }
}

/** Offers a packet from a source. */
const offer = (fwknop: FwknopAuthenticator, from: string, bytes: Uint8Array): boolean => {
  const { a: sourceA } = parseAddress(from)!
  const received = { family: 4, protocol: UDP, port: 62_201, sourceA, payloadEnd: bytes.length } as const
  return fwknop.offer(Object.assign(new Packet(), received), bytes)
}

test('packets of a door that accepts old ones are not forgotten because of another door', async () => {
  const access = join(folder, 'access.conf')
  writeFileSync(
    access,
    `SOURCE ANY\nKEY_BASE64 ${key.toString('base64')}\nHMAC_KEY_BASE64 ${hmacFor(key).toString('base64')}\n`,
    { mode: 0o600 },
  )
  const door = (name: string, age: string): string =>
    `[${name}]\nSPA = fwknop\nAccess_File = ${access}\nOpen_Ports = tcp/22\nSPA_Max_Age = ${age}\n`
  const { config } = readConfig(`${door('short', '2m')}${door('long', '1h')}`, 'k')
  // The packet was used ten minutes ago.
  const before = String(Math.floor(Date.now() / 1_000) - 600)
  const used = new Map(Array.from({ length: DIGESTS_MAX / 2 }, (_, index) => [`fwknop\n${index}`, before]))
  const { fwknop, redeemed } = authenticatorOf(used, new WorkBudget(() => 0))
  fwknop.replace(config!.doors)
  await fwknop.close()
  const clock = vi.spyOn(performance, 'now')
  for (const number of [1, 2]) {
    clock.mockReturnValue(number * 2_000)
    offer(fwknop, '192.0.2.7', packet(number))
    expect(await redeemed.at(-1)).toMatchObject({ door: { name: 'short' } })
  }
  clock.mockRestore()
  expect(redeemed.length).toBe(2)
  expect(used.has('fwknop\n0')).toBe(true)
})

const keyFor = (user: number): Buffer => Buffer.alloc(32, 10 + user)
const stanzaFor = (user: number, source: string): string => {
  const [text, hmac] = [keyFor(user), hmacFor(keyFor(user))].map((each) => each.toString('base64'))
  return `SOURCE ${source}\nKEY_BASE64 ${text}\nHMAC_KEY_BASE64 ${hmac}\n`
}

const doorWith = (access: string, work: WorkBudget) => {
  const path = join(folder, 'access.conf')
  writeFileSync(path, access, { mode: 0o600 })
  const door = `[door]\nSPA = fwknop\nAccess_File = ${path}\nOpen_Ports = tcp/22\n`
  const made = authenticatorOf(new Map(), work)
  made.fwknop.replace(readConfig(door, 'k').config!.doors)
  return made
}

const NOTHING = { perSecond: 1, burst: 0 }

test('a source that SOURCE names gets in while others use up all the time for packets from anywhere', async () => {
  const access = stanzaFor(0, 'ANY') + stanzaFor(1, '192.0.2.0/24') + stanzaFor(2, '198.51.100.7')
  const work = new WorkBudget(() => 0, { ...WORK_LIMITS, all: NOTHING })
  const { fwknop, redeemed } = doorWith(access, work)
  for (const [user, from] of [
    [1, '192.0.2.9'],
    [2, '198.51.100.7'],
  ] as const) {
    expect(offer(fwknop, from, packet(user, from, keyFor(user)))).toBe(true)
    expect(await redeemed.at(-1)).toMatchObject({ user: `access.conf:${1 + 3 * user}` })
  }
  // SOURCE names none of these: one packet is for any source, the other two come from another network.
  offer(fwknop, '203.0.113.1', packet(3, '203.0.113.1', keyFor(0)))
  offer(fwknop, '198.51.100.8', packet(4, '198.51.100.8', keyFor(2)))
  offer(fwknop, '203.0.113.1', packet(5, '203.0.113.1', keyFor(1)))
  expect(redeemed).toHaveLength(2)
  await fwknop.close()
})

test('a flood from the network of one user does not use up the time of the others', async () => {
  let ms = 0
  // Each reading of the clock takes a millisecond.
  const limits = { ...WORK_LIMITS, all: NOTHING, named: { perSecond: 1, burst: 5_000 } }
  const work = new WorkBudget(() => ms++, limits)
  const { fwknop, redeemed } = doorWith(stanzaFor(1, '192.0.2.0/24') + stanzaFor(2, '198.51.100.7'), work)
  const forged = packet(9, '192.0.2.1', keyFor(7))
  for (let host = 1; host < 100; host++) offer(fwknop, `192.0.2.${host}`, forged)
  offer(fwknop, '192.0.2.200', packet(1, '192.0.2.200', keyFor(1)))
  expect(redeemed).toHaveLength(0)
  offer(fwknop, '198.51.100.7', packet(2, '198.51.100.7', keyFor(2)))
  expect(await redeemed.at(-1)).toMatchObject({ user: 'access.conf:4' })
  await fwknop.close()
})

test('no key is tried for packets that match no stanza', async () => {
  let looks = 0
  const work = new WorkBudget(() => looks++)
  const { fwknop, redeemed } = doorWith(stanzaFor(1, '192.0.2.0/24') + stanzaFor(2, '198.51.100.7'), work)
  expect(offer(fwknop, '203.0.113.1', packet(1, '203.0.113.1', keyFor(1)))).toBe(false)
  expect(redeemed).toHaveLength(0)
  expect(looks).toBe(0)
  await fwknop.close()
})

test('a reload changes the doors even if their file cannot be read', async () => {
  const path = join(folder, 'access.conf')
  const doors = (...lines: string[]) =>
    readConfig(lines.map((more) => `${more}\nSPA = fwknop\nAccess_File = ${path}\nOpen_Ports = tcp/22\n`).join(''), 'k')
      .config!.doors
  writeFileSync(path, stanzaFor(1, '192.0.2.0/24'), { mode: 0o600 })
  const { fwknop, redeemed } = authenticatorOf(new Map(), new WorkBudget(() => 0))
  fwknop.replace(doors('[before]\nAllow_From = 203.0.113.0/24'))
  expect(offer(fwknop, '192.0.2.9', packet(1, '192.0.2.9', keyFor(1)))).toBe(true)
  expect(redeemed).toHaveLength(0)
  // Others may read the file, so the previous keys stay.
  chmodSync(path, 0o644)
  fwknop.replace(doors('[after]'))
  offer(fwknop, '192.0.2.9', packet(2, '192.0.2.9', keyFor(1)))
  expect(await redeemed.at(-1)).toMatchObject({ door: { name: 'after' } })
  await fwknop.close()
})
