// Goal: one packet of our own opens what door, key and claim allow together, over IPv4 and IPv6, to any port, with no socket
// open; and nothing that is played back, altered, forged, late, revoked or narrowed opens anything.
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { parseAddress } from '../../src/packet/address.ts'
import { keyPairOf } from '../../src/spa/noise/curve.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { POSTERN_PACKET_BYTES, sealClaim } from '../../src/spa/noise/packet.ts'
import type { Claim } from '../../src/spa/noise/claim.ts'
import { USER_TAG_BYTES } from '../../src/spa/noise/tag.ts'
import { TCP } from '../../src/packet/packet.ts'
import type { OpeningStatus } from '../../src/control/message.ts'
import { asked, statusOf } from './guarded.ts'
import { program, startAgain, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { SharedDaemon } from './one-daemon.ts'
import type { Shared } from './one-daemon.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { run, until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendDatagrams, serveTcp } from './service.ts'
import { rested } from './single-packets.ts'
import { playing, recordedOf } from './recorded.ts'

/** How often a packet is played back at a time. */
const LOOPS = 1_000

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const SERVER = keyPairOf(new Uint8Array(32).fill(11))
const SERVER_SECRET = new Uint8Array(32).fill(11)
const ALICE = keyPairOf(new Uint8Array(32).fill(12))
const BOB = keyPairOf(new Uint8Array(32).fill(13))
const keyOf = ({ publicKey }: { readonly publicKey: Uint8Array }): string => formatKey('postern-user', publicKey)

const DOOR = (name: string): Claim => ({ wanted: { kind: 'door', door: name }, address: undefined, openS: 0 })

interface Made {
  readonly daemon: Knockd
  readonly users: string
  readonly notes: string
}

/** The users' file is replaced as editors do. */
const write = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Writes the files of a config. */
const written = (
  users: string,
  doors: string,
): { readonly config: string; readonly users: string; readonly notes: string } => {
  const key = scratch('server.key')
  writeFileSync(key, `${formatKey('postern-server-secret', SERVER_SECRET)}\n`, { mode: 0o600 })
  const file = scratch('users')
  write(file, users)
  const notes = scratch('notes')
  const config = `[options]\nSPA_Key_File = ${key}\n${doors.replaceAll('USERS', file).replaceAll('NOTES', notes)}`
  return { config, users: file, notes }
}

const start = async (host: Host, users: string, doors: string): Promise<Made> => {
  const made = written(users, doors)
  const daemon = await startKnockd({ host, config: made.config })
  running = daemon.process
  return { ...made, daemon }
}

/** For tests with no packets of the past, after which nobody's packets are refused for a while. */
const shared = new SharedDaemon()
const startShared = async (users: string, doors: string): Promise<Made & Shared> => {
  const made = written(users, doors)
  return { ...made, ...(await shared.with(made.config)) }
}

const noted = (notes: string): readonly string[] =>
  readFileSync(notes, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean)

/** Sends datagrams to a port, as anybody can. */
const send = async (client: Host, packets: readonly Uint8Array[], to = SERVER_4, port = 62_201): Promise<void> => {
  await rested()
  await sendDatagrams(client, to, port, packets)
}

const seal = (claim: Claim, user = ALICE, unixMs = Date.now(), withMinute = true): Uint8Array => {
  const sealed = sealClaim({ user, server: SERVER.publicKey, claim, unixMs, random: randomBytes(32), withMinute })
  if ('fault' in sealed) throw new Error(sealed.fault)
  return sealed.packet
}

const ports = (...all: readonly number[]): Claim['wanted'] => ({
  kind: 'ports',
  ports: all.map((port) => ({ protocol: TCP, port })),
})

const GUARDED = '[ssh]\nSPA = postern\nSPA_Users = USERS\nOpen_Ports = tcp/22, tcp/80\nOpen_For = 10m\n'
const noting = (name: string, more = ''): string =>
  `[${name}]\nSPA = postern\nSPA_Users = USERS\n${more}Start_Command = echo "${name} %IP% $POSTERN_USER" >> NOTES\n`

lab('one packet', () => {
  test('made by knock --spa with keys that keygen made: a door opens, no flag needed', async () => {
    const home = scratch('home')
    mkdirSync(join(home, '.config/postern'), { recursive: true, mode: 0o700 })
    const env = { HOME: home, XDG_CONFIG_HOME: join(home, '.config') }
    const keyFile = scratch('server.key')
    const forClients = (await asked(['keygen', 'server', '--file', keyFile])).stdout
    // It writes the key below HOME, so it is a process of its own.
    const made = await run([process.execPath, program('postern'), 'keygen', 'user', 'alice'], { env })
    const line = made.stdout.split('\n').find((each) => each.includes('postern-user:'))!
    const users = scratch('users')
    writeFileSync(users, `packet-source ${line.trim()}\n`, { mode: 0o600 })
    const serverKey = /Server_Key = (\S+)/.exec(forClients)![1]!
    writeFileSync(join(home, '.config/postern/config'), `[${SERVER_4}]\nServer_Key = ${serverKey}\nDoor = ssh\n`)
    const { server, client, daemon } = await shared.with(
      `[options]\nSPA_Key_File = ${keyFile}\n[ssh]\nSPA = postern\nSPA_Users = ${users}\nOpen_Ports = tcp/22\n`,
    )
    const sockets = await server.run(['ss', '-Hlnup'])
    expect(sockets.stdout).toBe('')
    const service = await serveTcp(server, 22)
    expect(await probe(client, SERVER_4, 22)).not.toBe('open')
    const knocked = await client.run([process.execPath, program('knock'), '--spa', '--verify', 'tcp/22', SERVER_4], {
      env,
    })
    expect(knocked.stdout).toContain(CLIENT_4)
    expect(await daemon.process.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice)`)
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    await service.stop()
  })

  test('to any port, over IPv6, for an address it claims, for some ports and for less time', async () => {
    const { server, client, daemon } = await startShared(
      `packet-source ports=tcp/22,tcp/443 open-for=60 ${keyOf(ALICE)} alice\n`,
      GUARDED,
    )
    const services = [await serveTcp(server, 22), await serveTcp(server, 80)]
    await send(client, [seal({ wanted: ports(22), address: undefined, openS: 30 })], SERVER_6, 53)
    expect(await daemon.process.line(/OPEN/)).toBe(`${CLIENT_6}: ssh: OPEN SESAME (alice)`)
    await until('ssh to be open', async () => (await probe(client, SERVER_6, 22)) === 'open')
    expect(await probe(client, SERVER_6, 80)).not.toBe('open')
    expect(await probe(client, SERVER_4, 22)).not.toBe('open')
    const status = async (): Promise<readonly OpeningStatus[]> => (await statusOf(server, daemon)).openings
    const [one] = await status()
    expect(one).toMatchObject({ source: CLIENT_6, services: ['tcp/22'] })
    expect(one!.leftMs).toBeLessThanOrEqual(30_000)
    // What the key's line has and the door has not, and the other way round.
    await send(client, [seal({ wanted: ports(443), address: undefined, openS: 0 })])
    await daemon.process.line(/single packet of alice, from 192\.0\.2\.2 to udp\/62201: no door opens these ports/)
    await send(client, [seal({ wanted: ports(80), address: undefined, openS: 0 })])
    await daemon.process.line(/single packet of alice.*ssh: a port is not in ports=/)
    // For an address behind which the sender is not; and for the longest that the line allows.
    const elsewhere = '198.51.100.9'
    await send(client, [seal({ wanted: ports(22), address: parseAddress(elsewhere), openS: 3_600 })], SERVER_4, 9)
    expect(await daemon.process.line(/OPEN/)).toBe(`${elsewhere}: ssh: OPEN SESAME (alice)`)
    const other = (await status()).find(({ source }) => source === elsewhere)!
    expect(other.leftMs).toBeGreaterThan(50_000)
    expect(other.leftMs).toBeLessThanOrEqual(60_000)
    for (const service of services) await service.stop()
  })

  test('after a restart what was open of a door is open, and no more', async () => {
    const { server, client, daemon } = await startShared(`packet-source ports=tcp/22 ${keyOf(ALICE)} alice\n`, GUARDED)
    const services = [await serveTcp(server, 22), await serveTcp(server, 80)]
    const ssh: Claim = { wanted: { kind: 'ports', ports: [{ protocol: TCP, port: 22 }] }, address: undefined, openS: 0 }
    await send(client, [seal(ssh)])
    await until('ssh to be open', async () => (await probe(client, SERVER_4, 22)) === 'open')
    await daemon.process.stop()
    await server.run(['nft', 'flush', 'ruleset'])
    await shared.again()
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    expect(await probe(client, SERVER_4, 80)).not.toBe('open')
    for (const service of services) await service.stop()
  })
})

lab('without a minute in the tag', () => {
  test('a client whose clock is a year off opens a door of any age, as its config says, and its packet is good once', async () => {
    const { server, client } = await pair()
    const { daemon, notes } = await start(
      server,
      `packet-source ${keyOf(ALICE)} alice\n`,
      noting('ssh', 'SPA_Max_Age = 0\n') + noting('web', 'SPA_Max_Age = 1h\n'),
    )
    const key = scratch('user.key')
    writeFileSync(key, `${formatKey('postern-user-secret', new Uint8Array(32).fill(12))}\n`, { mode: 0o600 })
    const ask = async (...args: readonly string[]): Promise<void> => {
      const argv = ['--key', key, '--server-key', formatKey('postern-server', SERVER.publicKey), '-a', 'source']
      await client.run([process.execPath, program('knock'), '--spa', ...argv, ...args, SERVER_4])
    }
    const unixMs = Date.now() - 365 * 86_400_000
    const packet = seal(DOOR('ssh'), ALICE, unixMs, false)
    await send(client, [seal(DOOR('ssh'), ALICE, unixMs + 1_000), packet, packet])
    await until('the first opening', () => noted(notes).length > 0)
    await ask('--door', 'ssh', '--max-age', '0')
    await until('the second opening', () => noted(notes).length > 1)
    await ask('--door', 'web', '--max-age', '1h')
    await until('the third opening', () => noted(notes).length > 2)
    // A clock that is right needs no such config.
    await ask('--door', 'ssh')
    await until('the fourth opening', () => noted(notes).length > 3)
    await send(client, [packet])
    await send(client, [seal(DOOR('ssh'))])
    await until('the last opening', () => noted(notes).length > 4)
    expect(noted(notes)).toEqual(['ssh', 'ssh', 'web', 'ssh', 'ssh'].map((door) => `${door} ${CLIENT_4} alice`))
    expect(daemon.process.count(/single packet of alice/)).toBe(0)
  })
})

lab('packets that must not open', () => {
  test(`played back ${LOOPS} times: at once, from another address, to another port, after kill -9`, async () => {
    const { server, client } = await pair()
    const { daemon, notes } = await start(
      server,
      `packet-source ${keyOf(ALICE)} alice\npacket-source ${keyOf(BOB)} bob\n`,
      noting('ssh') + noting('web'),
    )
    const packet = seal(DOOR('ssh'))
    const recorded = await recordedOf(client, 'udp', async () => {
      await send(client, [packet])
      await until('the opening', () => noted(notes).length === 1)
    })
    const play = playing(client, recorded, LOOPS, '--portmap=62201:53')
    await play()
    running!.kill('SIGKILL')
    await running!.ended
    running = await startAgain(server, daemon)
    await play()
    await send(client, [seal(DOOR('web'), BOB)])
    await until('an honest packet', () => noted(notes).length > 1)
    expect(noted(notes)).toEqual([`ssh ${CLIENT_4} alice`, `web ${CLIENT_4} bob`])
  })

  test('the tag of one user before the message of another, and a user’s tag sent again and again', async () => {
    const { client, notes } = await startShared(
      `packet-source ${keyOf(ALICE)} alice\npacket-source ${keyOf(BOB)} bob\n`,
      noting('ssh'),
    )
    const seen = seal(DOOR('ssh')).subarray(0, USER_TAG_BYTES)
    const after = (message: Uint8Array): Uint8Array => Buffer.concat([seen, message.subarray(USER_TAG_BYTES)])
    await send(client, [after(seal(DOOR('ssh'), BOB))])
    await send(
      client,
      Array.from({ length: 500 }, () => after(randomBytes(POSTERN_PACKET_BYTES))),
    )
    expect(noted(notes)).toEqual([])
    await send(client, [seal(DOOR('ssh'), BOB)])
    await until('bob to be let in', () => noted(notes).length > 0)
    expect(noted(notes)).toEqual([`ssh ${CLIENT_4} bob`])
    // Alice's allowance comes back.
    await until('alice to be let in', async () => {
      await send(client, [seal(DOOR('ssh'))])
      return noted(notes).length > 1
    })
  })

  test('altered at any byte, of any other length, or made up', async () => {
    // A late packet of the test before is for another door.
    const { client, notes } = await startShared(`packet-source ${keyOf(ALICE)} alice\n`, noting('whole'))
    const packet = seal(DOOR('whole'))
    const flipped = Array.from({ length: POSTERN_PACKET_BYTES }, (_, at) => {
      const copy = Uint8Array.from(packet)
      copy[at]! ^= 1 << (at % 8)
      return copy
    })
    await send(client, flipped)
    await send(
      client,
      Array.from({ length: 400 }, (_, index) => randomBytes(index * 5)),
    )
    await send(
      client,
      Array.from({ length: 200 }, () => randomBytes(POSTERN_PACKET_BYTES)),
    )
    await send(client, [packet.subarray(0, -1), new Uint8Array([...packet, 0])])
    expect(noted(notes)).toEqual([])
    // What was altered behind the tag has used up what its user has at a time.
    await until('the packet itself', async () => {
      await send(client, [packet])
      return noted(notes).length > 0
    })
    expect(noted(notes)).toEqual([`whole ${CLIENT_4} alice`])
  })

  test('too old for its door or for any, expired, narrowed, for another door, without a right to the source, revoked', async () => {
    const alice = `packet-source doors=ssh ${keyOf(ALICE)} alice\n`
    const { server, client } = await pair()
    const { daemon, users, notes } = await start(server, alice, noting('ssh') + noting('web', 'SPA_Max_Age = 10m\n'))
    const said = async (pattern: RegExp): Promise<string> => await daemon.process.line(pattern)
    await send(client, [seal(DOOR('ssh'), ALICE, Date.now() - 400_000)])
    expect(await said(/single packet of alice/)).toMatch(/ssh: the packet is 40[0-9] s old$/)
    await send(client, [seal(DOOR('ssh'), ALICE, Date.now() + 400_000)])
    expect(await said(/single packet of alice/)).toMatch(/ssh: the packet is (399|400) s ahead of this clock$/)
    // The tags of minutes that no door allows are nobody's.
    await send(client, [seal(DOOR('ssh'), ALICE, Date.now() - 800_000), seal(DOOR('web'), ALICE, Date.now() + 900_000)])
    await send(client, [seal(DOOR('web'))])
    expect(await said(/single packet of alice/)).toMatch(/web: the door is not in doors=$/)
    await send(client, [seal(DOOR('cellar'))])
    expect(await said(/single packet of alice/)).toMatch(/there is no door cellar for this key$/)
    const changed = async (text: string, claim: Claim, pattern: RegExp): Promise<void> => {
      write(users, text)
      daemon.process.kill('SIGHUP')
      await said(/re-reading config file/)
      await until(`the new file to count`, async () => {
        await send(client, [seal(claim)])
        return daemon.process.count(pattern) > 0
      })
    }
    await changed(`packet-source expires=2020-01-01 ${keyOf(ALICE)} alice\n`, DOOR('ssh'), /the key has expired/)
    await changed(`${keyOf(ALICE)} alice\n`, DOOR('ssh'), /claims no address/)
    await changed(
      `packet-source from=198.51.100.0/24 ${keyOf(ALICE)} alice\n`,
      DOOR('ssh'),
      /the address is not in from=/,
    )
    expect(noted(notes)).toEqual([])
    // Revoked: nothing is said, as to a stranger.
    write(users, `packet-source ${keyOf(BOB)} bob\n`)
    daemon.process.kill('SIGHUP')
    await until('bob to be let in', async () => {
      await send(client, [seal(DOOR('ssh')), seal(DOOR('ssh'), BOB)])
      return noted(notes).length > 0
    })
    expect(new Set(noted(notes))).toEqual(new Set([`ssh ${CLIENT_4} bob`]))
  })

  test('what a user has opened is shut when their line is gone, and nobody else notices', async () => {
    const lines = [`packet-source ${keyOf(ALICE)} alice\n`, `packet-source ${keyOf(BOB)} bob\n`] as const
    const { server, client, daemon, users } = await startShared(lines.join(''), GUARDED)
    const service = await serveTcp(server, 22)
    await send(client, [seal(DOOR('ssh'))])
    await send(client, [seal(DOOR('ssh'), BOB)], SERVER_6)
    const open = async (address: string): Promise<boolean> => (await probe(client, address, 22)) === 'open'
    await until('both to be in', async () => (await open(SERVER_4)) && (await open(SERVER_6)))
    write(users, lines[1])
    await daemon.process.line(/ssh: access of alice revoked/)
    await until('alice to be out', async () => !(await open(SERVER_4)))
    expect(await open(SERVER_6)).toBe(true)
    await service.stop()
  })

  test('a file of users with an error in it changes nothing', async () => {
    const { client, daemon, users, notes } = await startShared(`packet-source ${keyOf(ALICE)} alice\n`, noting('ssh'))
    write(users, `packet-source ${keyOf(ALICE).slice(0, -3)}AAA alice\n`)
    await daemon.process.line(/keeping the previous users/)
    await send(client, [seal(DOOR('ssh'))])
    await until('the opening', () => noted(notes).length === 1)
  })
})
