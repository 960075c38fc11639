// Goal: whoever sends packets under somebody's address does not keep them out: beside a sweep of ports forged from another
// host of the link their knocks open; and who is ignored is shown, can be forgiven, and is never one who is always allowed.
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { NMAP_PORTS } from '../../src/config/nmap-ports.ts'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import type { Status } from '../../src/control/message.ts'
import { SLOW } from '../slow.ts'
import { postern, statusOf } from './guarded.ts'
import { REAL_KNOCK, startKnockd } from './knockd.ts'
import { CLIENT_4, Host, SERVER_4, lab, link } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

/** Tries beside each sweep, and how many of them may come to nothing. */
const TRIES = SLOW ? 15 : 8
const FAILURES_MAX = 1
/** Milliseconds in which a door opens whose knock has come through. */
const OPENS_WITHIN_MS = 20_000
/** Milliseconds that a test of many tries may take. */
const LIMIT_MS = 120_000

/** Sweeps of ports a second under the client's address. */
const SWEEPS = SLOW ? [100, 1_000] : [1_000]
/** Doors at which telnet knocks. */
const TELNET_DOORS = SLOW ? 5 : 2

const running: Process[] = []
afterEach(async () => {
  for (const process of running.splice(0)) await process.stop()
})

/** A server, a client and an attacker on one link. */
async function trio(): Promise<{ readonly server: Host; readonly client: Host; readonly attacker: Host }> {
  const [middle, server, client, attacker] = [
    await Host.make('switch'),
    await Host.make('server'),
    await Host.make('client'),
    await Host.make('attacker'),
  ]
  await middle.ip('link add br0 type bridge')
  await middle.ip('link set br0 up')
  for (const [index, host] of [server, client, attacker].entries()) {
    const device = `port${index}`
    await link({ host: middle, device }, { host, addresses: [`192.0.2.${index + 1}/24`] })
    await middle.ip(`link set ${device} master br0`)
  }
  return { server, client, attacker }
}

/** Sweeps the server's ports under the client's address, so many a second, until the test ends. */
async function sweep(attacker: Host, perSecond: number): Promise<void> {
  const interval = `u${Math.round(1_000_000 / perSecond)}`
  const first = String(randomInt(1, 60_000))
  running.push(attacker.start(['hping3', '-q', '-S', '-a', CLIENT_4, '-p', `++${first}`, '-i', interval, SERVER_4]))
  await pause(1_000)
}

const randomPorts = (count: number): readonly string[] =>
  Array.from({ length: count }, () => String(randomInt(1_024, 65_536)))

const doorsOf = (
  prefix: string,
  count: number,
): readonly { readonly name: string; readonly ports: readonly string[] }[] =>
  Array.from({ length: count }, (_, index) => ({ name: `${prefix}${index}`, ports: randomPorts(3 + (index % 4)) }))

const knock = async (client: Host, ports: readonly string[]): Promise<unknown> =>
  await client.run([REAL_KNOCK, SERVER_4, ...ports])

lab('beside a sweep of ports under the own address', () => {
  const telnet = doorsOf('t', TELNET_DOORS).map(({ name, ports }) => ({ name, ports: ports.slice(0, 3) }))
  const plain = new Map(SWEEPS.map((perSecond) => [perSecond, doorsOf(`d${perSecond}-`, TRIES)]))
  const before = randomPorts(3)
  const people = Array.from({ length: TRIES * SWEEPS.length }, (_, index) => ({
    name: `u${index}`,
    secret: {
      key: Uint8Array.from({ length: 20 }, () => randomInt(256)),
      algorithm: 'SHA1',
      digits: 8,
      periodS: 3_600,
    } satisfies TotpSecret,
  }))
  let client: Host
  let attacker: Host
  let daemon: Process
  beforeAll(async () => {
    const hosts = await trio()
    ;({ client, attacker } = hosts)
    const users = scratch('users')
    const line = people.map(({ name, secret }) => `${name} ${secretUri(secret, 'gate', 'coded')}\n`)
    writeFileSync(users, line.join(''), { mode: 0o600 })
    const doors = [...telnet, ...[...plain.values()].flat()]
    const text = doors.map(({ name, ports }) => `[${name}]\nSequence = ${ports.join()}\nStart_Command = true\n`)
    const coded = `[coded]\nSequence = ${before.join()}\nUsers = ${users}\nStart_Command = true\n`
    daemon = (await startKnockd({ host: hosts.server, config: `${text.join('')}${coded}` })).process
  })
  afterAll(async () => void (await daemon.stop()))

  /** Counts the doors that open. */
  const opened = async (
    doors: readonly { readonly name: string; readonly ports: readonly string[] }[],
    knockAt: (ports: readonly string[]) => Promise<unknown>,
  ): Promise<number> => {
    for (const { name, ports } of doors) {
      await knockAt(ports)
      // Its last stage is said whether it opens or not.
      await daemon.line(new RegExp(`${name}: (OPEN SESAME|stays shut)`), OPENS_WITHIN_MS).catch(() => undefined)
    }
    return doors.filter(({ name }) => daemon.count(new RegExp(`${name}: OPEN SESAME`)) > 0).length
  }

  test(
    'of 10 a second, three knocks by telnet open, a second apart',
    async () => {
      await sweep(attacker, 10)
      const count = await opened(telnet, async (ports) => {
        for (const port of ports) {
          await client.run(['timeout', '1', 'telnet', SERVER_4, port], { mayFail: true })
          await pause(1_000)
        }
      })
      expect(count).toBe(telnet.length)
    },
    LIMIT_MS,
  )

  test.each(SWEEPS)(
    'of %i a second, plain knocks of three to six random ports open, and codes behind a sequence',
    async (perSecond) => {
      await sweep(attacker, perSecond)
      expect(await opened(plain.get(perSecond)!, (ports) => knock(client, ports))).toBeGreaterThanOrEqual(
        TRIES - FAILURES_MAX,
      )
      let came = 0
      const at = SWEEPS.indexOf(perSecond) * TRIES
      for (const { name, secret } of people.slice(at, at + TRIES)) {
        const code = knocksOfCode(codeOf(secret, periodAt(secret, Date.now()))).map(({ port }) => String(port))
        await knock(client, [...before, ...code])
        await daemon.line(/coded: (OPEN SESAME|stays shut)/, OPENS_WITHIN_MS).catch(() => undefined)
        if (daemon.count(new RegExp(`coded: OPEN SESAME \\(${name}\\)`)) > 0) came++
      }
      expect(came).toBeGreaterThanOrEqual(TRIES - FAILURES_MAX)
    },
    LIMIT_MS,
  )
})

const shared = new SharedDaemon()
const draw = (): number => NMAP_PORTS[randomInt(NMAP_PORTS.length)]!

lab("nmap's thousand ports", () => {
  test(
    'in any order and at several speeds, with all ports of the sequences among them, open none of four knocks',
    async () => {
      const sequences = Array.from({ length: 15 }, () => Array.from({ length: 4 }, draw).join())
      const text = sequences.map((ports, index) => `[d${index}]\nSequence = ${ports}\nStart_Command = true\n`)
      const { client, daemon } = await shared.with(text.join(''))
      const { process } = daemon
      const rates = SLOW ? ['300', '100', '60'] : ['300']
      const ways = [[], ['-r'], ['-T5'], ...rates.map((rate) => ['--max-rate', rate])]
      const scan = async (way: readonly string[], index: number): Promise<void> => {
        const source = `192.0.2.${100 + index}`
        await client.ip(`addr add ${source}/24 dev eth0`)
        const argv = ['nmap', '-n', '-Pn', '-sS', '-S', source, '-e', 'eth0', ...way, SERVER_4]
        expect((await client.run(argv, { limitMs: LIMIT_MS })).stdout).toMatch(/1 host up/)
        await until('the scan is seen', () => process.count(new RegExp(`${source}: port scan`)) === 1)
      }
      await Promise.all(ways.map(scan))
      await client.run([REAL_KNOCK, SERVER_4, ...sequences[0]!.split(',')])
      expect(await process.line(/OPEN SESAME/)).toContain(CLIENT_4)
    },
    LIMIT_MS,
  )
})

lab('who is ignored', () => {
  test('is shown with the doors that do so, can be forgiven, and is nobody who is always allowed', async () => {
    const doors =
      '[near]\nSequence = 7301,7302\nStart_Command = true\n[far]\nSequence = 47301,8822,25401\nStart_Command = true\n'
    const { server, client, daemon } = await shared.with(`[options]\nAlways_Allow = 198.51.100.0/24\n${doors}`)
    const { process } = daemon
    await client.ip('addr add 198.51.100.7/32 dev eth0')
    await server.ip('route add 198.51.100.7 dev eth0')
    const ignored = async (): Promise<Status['ignored']> => (await statusOf(server, daemon)).ignored
    const scan = async (source: string): Promise<void> => {
      const argv = ['nmap', '-n', '-Pn', '-sS', '-S', source, '-e', 'eth0', '-p', '100-140', SERVER_4]
      await client.run(argv, { limitMs: 60_000 })
    }
    await scan('198.51.100.7')
    await scan(CLIENT_4)
    await process.line(/: port scan, ignored for 60 s/)
    const listed = await ignored()
    // Those of another test may be there as well, who scanned before.
    const own = listed.filter(({ source }) => source === CLIENT_4)
    expect(own).toMatchObject([{ source: CLIENT_4, why: 'scan', doors: ['near'] }])
    expect(own[0]!.leftMs).toBeGreaterThan(0)
    expect((await postern(server, daemon, 'status')).stdout).toMatch(
      /^ignored:\n.*\n {2}192\.0\.2\.2 +port scan +\S+ +near$/m,
    )
    await client.run([REAL_KNOCK, SERVER_4, '7301', '7302'])
    await client.run([REAL_KNOCK, SERVER_4, '47301', '8822', '25401'])
    expect(await process.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: far: OPEN SESAME`)
    const forgiven = await postern(server, daemon, 'forgive', CLIENT_4)
    expect(forgiven).toMatchObject({ code: 0, stdout: `${CLIENT_4} is no longer ignored\n` })
    await process.line(/192\.0\.2\.2: forgiven by hand/)
    expect((await ignored()).filter(({ source }) => source === CLIENT_4)).toEqual([])
    await client.run([REAL_KNOCK, SERVER_4, '7301', '7302'])
    expect(await process.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: near: OPEN SESAME`)
    expect(listed.some(({ source }) => source.startsWith('198.51.100.'))).toBe(false)
    expect((await postern(server, daemon, 'forgive', CLIENT_4)).stdout).toBe(`${CLIENT_4} was not ignored\n`)
    expect(await postern(server, daemon, 'forgive', 'gate')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not an address/),
    })
    expect(process.count(/198\.51\.100\.7: port scan/)).toBe(0)
  })
})
