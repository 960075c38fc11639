// Goal: forged single packets, of each kind, from one address or from very many, keep no owner out: neither one who comes
// from an address that has opened before, nor, where one address floods, one who comes from anywhere.
import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { parseAddress } from '../../src/packet/address.ts'
import { TCP, UDP } from '../../src/packet/packet.ts'
import { ACCESS, PROTOCOL_VERSION, encodeFields } from '../../src/spa/fwknop/fields.ts'
import { sealRijndael } from '../../src/spa/fwknop/packet.ts'
import { formatCounter, formatProfileConfig, formatProfileKey } from '../../src/spa/knockknock/profile.ts'
import { encodeSyn } from '../../src/spa/knockknock/syn.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { sealClaim } from '../../src/spa/noise/packet.ts'
import type { Segment } from '../packets/build.ts'
import { send, writeFrames } from './flood.ts'
import { program, startKnockd } from './knockd.ts'
import { SERVER_4, lab, pair } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

const HONEST = 14
/** A second: the honest packets come this often. */
const HONEST_PPS = 4
/** Forged packets that differ. */
const DIFFERENT = 4_000
/** Milliseconds from the beginning of a flood to the first honest packet. */
const SETTLE_MS = 500
/** More seconds than a flood lasts. */
const FLOOD_MAX_S = 20
const STANZAS = 200
const PROFILES = 100
const KNOCK_PORT = 666
const SPA_PORT = 62_201
const OWNER = '192.0.2.50'
const FLOODER = '192.0.2.66'

let running: Process | undefined
let flood: Process | undefined
afterEach(async () => {
  await flood?.stop()
  await running?.stop()
  running = undefined
  flood = undefined
})

/** A kind of single packet: the config of a door for many users, honest packets, and forged ones. */
interface Kind {
  readonly config: () => string
  /** An honest packet, another for each number. */
  readonly honest: (number: number, from: string) => Segment
  readonly forged: (index: number) => Segment
}

const keyOf = (number: number, length: number): Uint8Array =>
  new Uint8Array(createHmac('sha512', 'key').update(String(number)).digest().subarray(0, length))
/** Of an honest packet. */
const FWKNOP_CHARS = 225
const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

const fwknop: Kind = {
  config: () => {
    const file = scratch('access.conf')
    const stanzas = Array.from(
      { length: STANZAS },
      (_, number) =>
        `SOURCE ANY\nKEY_BASE64 ${base64(keyOf(number, 32))}\nHMAC_KEY_BASE64 ${base64(keyOf(1_000 + number, 64))}\n`,
    )
    writeFileSync(file, stanzas.join(''), { mode: 0o600 })
    return `SPA = fwknop\nAccess_File = ${file}`
  },
  honest: (number, from) => {
    const fields = {
      random: String(1_000_000_000_000_000 + number),
      user: `user${String(number).padStart(2, '0')}`,
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
    // As long as an honest one, with an HMAC that is wrong.
    payload: [...Buffer.from(randomBytes(400).toString('base64').slice(0, FWKNOP_CHARS))],
  }),
}

const profileKeys = (number: number): { cipherKey: Uint8Array; macKey: Uint8Array } => ({
  cipherKey: keyOf(2_000 + number, 16),
  macKey: keyOf(3_000 + number, 16),
})

const knockknock: Kind = {
  config: () => {
    const folder = scratch('profiles')
    for (let number = 0; number < PROFILES; number++) {
      const path = join(folder, `user${String(number).padStart(3, '0')}`)
      mkdirSync(path, { recursive: true, mode: 0o700 })
      const { cipherKey, macKey } = profileKeys(number)
      writeFileSync(join(path, 'cipher.key'), formatProfileKey(cipherKey), { mode: 0o600 })
      writeFileSync(join(path, 'mac.key'), formatProfileKey(macKey), { mode: 0o600 })
      writeFileSync(join(path, 'counter'), formatCounter(0), { mode: 0o600 })
      writeFileSync(join(path, 'config'), formatProfileConfig(KNOCK_PORT), { mode: 0o600 })
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

const SERVER_SECRET = new Uint8Array(32).fill(11)
const SERVER = keyPairOf(SERVER_SECRET)
const sealed = (secret: Uint8Array, address: string | undefined, number: number): number[] => {
  const claim = {
    wanted: { kind: 'ports', ports: [{ protocol: TCP, port: 22 }] },
    address: address === undefined ? undefined : parseAddress(address),
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

const ours: Kind = {
  config: () => {
    const users = scratch('users')
    writeFileSync(users, Array.from({ length: 20 }, (_, number) => userLine(number)).join(''), { mode: 0o600 })
    return `SPA = postern\nSPA_Users = ${users}`
  },
  honest: (number, from) => ({
    from,
    to: SERVER_4,
    protocol: UDP,
    port: SPA_PORT,
    payload: sealed(keyOf(7, 32), from, number),
  }),
  // By somebody who knows the server's public key, and has no key that the server knows.
  forged: (index) => ({
    to: SERVER_4,
    protocol: UDP,
    port: SPA_PORT,
    payload: sealed(keyOf(5_000 + index, 32), OWNER, 0),
  }),
}

const KINDS = { fwknop, knockknock, ours } as const
type Forger = 'one address' | 'many addresses' | "the owner's address"
type Owner = 'new addresses' | 'a known address'

const sourceOf = (forger: Forger, index: number): string =>
  forger === 'one address'
    ? FLOODER
    : forger === "the owner's address"
      ? OWNER
      : `10.${index & 255}.${(index >>> 8) & 255}.${(index * 7) & 255}`

/** How many of the honest packets open amid a flood, and the share of a core that the daemon takes. */
const opened = async (kind: Kind, pps: number, forger: Forger, owner: Owner): Promise<number> => {
  const { server, client } = await pair()
  const key = scratch('server.key')
  writeFileSync(key, `${formatKey('postern-server-secret', SERVER_SECRET)}\n`, { mode: 0o600 })
  const config = `[options]\nSPA_Key_File = ${key}\n[door]\n${kind.config()}\nOpen_Ports = tcp/22\nOpen_For = 10m\n`
  const daemon = await startKnockd({ host: server, config })
  running = daemon.process
  const from = (number: number): string => (owner === 'new addresses' ? `192.0.2.${100 + number}` : OWNER)
  let before = 0
  if (owner === 'a known address') {
    const first = await writeFrames(server, 1, () => kind.honest(0, OWNER))
    await send(client, first, 100, 1).ended
    await running.line(/OPEN SESAME/)
    before = 1
  }
  const different = kind === ours ? DIFFERENT / 4 : DIFFERENT
  const forged = await writeFrames(server, different, (index) => ({
    ...kind.forged(index),
    from: sourceOf(forger, index),
  }))
  // What is dated is made at the last moment.
  const honest = await writeFrames(server, HONEST, (index) => kind.honest(before + index, from(index)))
  flood = send(client, forged, pps, Math.ceil((pps * FLOOD_MAX_S) / different))
  await sleep(SETTLE_MS)
  const cpu = cpuMs(running.pid)
  const began = performance.now()
  await send(client, honest, HONEST_PPS, 1).ended
  const percent = ((cpuMs(running.pid) - cpu) / (performance.now() - began)) * 100
  expect(flood.exit).toBeUndefined()
  await flood.stop()
  flood = undefined
  // Whatever comes behind it has been looked at too.
  const last = await writeFrames(server, 1, () => kind.honest(before + HONEST, '192.0.2.99'))
  await until('the last packet', async () => {
    await send(client, last, 100, 1).ended
    return daemon.process.count(/192\.0\.2\.99: door: OPEN SESAME/) > 0
  })
  if (process.env.FLOODS !== undefined) {
    const argv = [process.execPath, program('postern'), 'status', '--json', '-c', daemon.file, '-i', 'eth0']
    console.log(JSON.stringify((JSON.parse((await server.run(argv)).stdout) as { interfaces: unknown }).interfaces))
  }
  const count = daemon.process.count(/OPEN SESAME/) - before - 1
  if (process.env.FLOODS !== undefined)
    console.log(`${pps}/s from ${forger}, owner at ${owner}: ${count} of ${HONEST}, CPU ${percent.toFixed(0)} %`)
  return count
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

const PLAN: readonly (readonly [number, Forger, Owner, number])[] =
  process.env.FLOODS === undefined
    ? [
        [2_000, 'one address', 'new addresses', 11],
        [2_000, 'many addresses', 'a known address', 11],
        [2_000, "the owner's address", 'a known address', 9],
      ]
    : [200, 2_000, 20_000].flatMap((pps) => [
        [pps, 'one address', 'new addresses', 0] as const,
        [pps, 'many addresses', 'new addresses', 0] as const,
        [pps, 'many addresses', 'a known address', 0] as const,
        [pps, "the owner's address", 'a known address', 0] as const,
      ])

lab.each(Object.entries(KINDS))('%s amid forged packets', (_, kind) => {
  test.each(PLAN)(
    '%i a second from %s: of 14 from %s at least %i open',
    async (pps, forger, owner, least) => {
      expect(await opened(kind, pps, forger, owner)).toBeGreaterThanOrEqual(least)
    },
    120_000,
  )
})
