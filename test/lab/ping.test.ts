// Goal: whoever has ping can knock, over both families, and is answered as ever; strangers' pings are no knocks, no scan and
// little work, whatever their size and number.
import { expect, test } from 'vitest'
import { ICMP } from '../../src/packet/packet.ts'
import { ip4 } from '../packets/build.ts'
import { framesTo } from './flood.ts'
import { sendFrames, sendRaw } from './frames.ts'
import { statusOf } from './guarded.ts'
import { knock, program, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import type { Output } from './process.ts'
import { run, until } from './process.ts'
import { recordedOf } from './recorded.ts'
import { sendDatagrams, sendKnocks } from './service.ts'

/** One ping to each of a sequence's sizes, as anybody types it. */
async function pings(from: Host, host: string, ...sizes: readonly number[]): Promise<readonly string[]> {
  const out: string[] = []
  for (const size of sizes) out.push((await from.run(['ping', '-c', '1', '-W', '1', '-s', String(size), host])).stdout)
  return out
}

const door = (sequence: string): string => `[ssh]\nSequence = ${sequence}\nStart_Command = echo open\n`
const PINGS = '731,1204,289,946,518,1377,402'.split(',').map(Number)
const SEQUENCE = PINGS.map((size) => `icmp/${size}`).join()

/** Sends a SYN, behind which the daemon has seen all earlier packets, and waits until it is seen. */
async function sync(daemon: Knockd, from: Host, host: string): Promise<void> {
  await sendKnocks(from, host, ['29999'])
  await daemon.process.line(/last: Stage 1/)
}
const LAST = '[last]\nSequence = 29999,29998,29997\nStart_Command = echo never\n'

lab('pings', () => {
  const shared = new SharedDaemon()

  test.each([
    ['IPv4', SERVER_4, CLIENT_4],
    ['IPv6', SERVER_6, CLIENT_6],
  ])('by ping itself, over %s: the door opens, and every ping is answered', async (_, address, source) => {
    const { client, daemon } = await shared.with(door(SEQUENCE))
    for (const text of await pings(client, address, ...PINGS)) expect(text).toContain(' 1 received')
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(`${source}: ssh: OPEN SESAME`)
  })

  test('mixed with ports and datagrams of a size, by knock, as root and as one who may use ping sockets', async () => {
    const { client, daemon } = await shared.with(door('7301,icmp/419,8822:udp/32,8822:udp'))
    const knocks = ['7301', 'icmp/419', '8822:udp/32', '8822:udp']
    const said = await knock(client, ['-v', SERVER_4, ...knocks])
    expect(said.stdout).toContain(
      `hitting icmp ${SERVER_4} with 419 bytes\nhitting udp ${SERVER_4}:8822 with 32 bytes\n`,
    )
    await daemon.process.line(/192\.0\.2\.2: ssh: OPEN SESAME/)
    await knock(client, [SERVER_6, ...knocks])
    await daemon.process.line(/2001:db8::2: ssh: OPEN SESAME/)

    const asNobody = async (): Promise<Output> =>
      await client.run(
        [
          'setpriv',
          '--reuid=65534',
          '--regid=65534',
          '--clear-groups',
          process.execPath,
          program('knock'),
          SERVER_4,
          ...knocks,
        ],
        { mayFail: true },
      )
    const refused = await asNobody()
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(
      /^knock: cannot send pings: E(ACCES|PERM)\n {2}run this as root, or let your group send/,
    )
    await client.sysctl('net.ipv4.ping_group_range', '0 2147483647')
    expect(await asNobody()).toMatchObject({ code: 0, stderr: '' })
    await daemon.process.line(/192\.0\.2\.2: ssh: OPEN SESAME/)
    await client.sysctl('net.ipv4.ping_group_range', '1 0')
  })

  test('two pings alike are two knocks, and one that two captures show is one', async () => {
    const { server, client } = await pair()
    const daemon = await startKnockd({
      host: server,
      config: `${door('icmp/300,icmp/300')}${LAST}`,
      args: ['-i', 'eth0', '-i', 'any'],
    })
    await pings(client, SERVER_4, 300)
    await sync(daemon, client, SERVER_4)
    expect(daemon.process.count(/OPEN SESAME/)).toBe(0)
    await client.run(['ping', '-c', '2', '-i', '0.1', '-s', '300', SERVER_6])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(`${CLIENT_6}: ssh: OPEN SESAME`)
    await daemon.process.stop()
  })

  test('a fragmented ping is no knock, but answered; a fragmented datagram of its size is one', async () => {
    const { client, daemon } = await shared.with(
      `[big]\nSequence = icmp/3000\nStart_Command = echo big\n[datagram]\nSequence = 8822:udp/3000\nStart_Command = echo open\n`,
    )
    for (const host of [SERVER_4, SERVER_6]) expect((await pings(client, host, 3000))[0]).toContain(' 1 received')
    for (const host of [SERVER_4, SERVER_6]) {
      await sendDatagrams(client, host, 8822, [new Uint8Array(3_000)])
      await daemon.process.line(/datagram: OPEN SESAME/)
    }
    expect(daemon.process.count(/big: /)).toBe(0)
  })

  test('behind a VLAN tag, with any checksum; not to a broadcast or multicast address, and no answer', async () => {
    const { server, client, daemon } = await shared.with(`${door('icmp/40')}${LAST}`)
    await client.run(['ping', '-b', '-c', '1', '-W', '1', '-s', '40', '192.0.2.255'], { mayFail: true })
    await client.run(['ping', '-c', '1', '-W', '1', '-s', '40', 'ff02::1%eth0'], { mayFail: true })
    await client.run(['hping3', '-1', '-q', '-c', '1', '-C', '0', '-d', '40', SERVER_4], { mayFail: true })
    await sync(daemon, client, SERVER_4)
    expect(daemon.process.count(/ssh: /)).toBe(0)
    const ping = ip4({ from: '192.0.2.9', protocol: ICMP, payload: Array<number>(40).fill(1) })
    await sendFrames(client, server, 'VLAN', [ping])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe('192.0.2.9: ssh: OPEN SESAME')
  })

  test('a sweep of sizes opens nothing, and is no port scan', async () => {
    const { server, client, daemon } = await shared.with(`${door('icmp/100,icmp/240,icmp/400')}${LAST}`)
    const sizes = Array.from({ length: 401 }, (_, size) => size)
    const sweep = sizes.map((size) => ({
      from: '192.0.2.7',
      protocol: ICMP as typeof ICMP,
      sequence: size,
      payload: Array<number>(size).fill(0),
    }))
    await sendRaw(client, await framesTo(server, sweep), 1)
    await sync(daemon, client, SERVER_4)
    expect(daemon.process.count(/ssh: stays shut/)).toBe(1)
    expect(daemon.process.lines.filter((line) => /OPEN SESAME|: port scan/.test(line))).toEqual([])
    await pings(client, SERVER_4, 100, 240, 400)
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
  })

  test("a flood of pings costs no packet in the daemon for ping's own size, and few for any other", async () => {
    const { server, client, daemon } = await shared.with(`${door(SEQUENCE)}${LAST}`)
    const received = async (): Promise<number> => (await statusOf(server, daemon)).interfaces[0]?.received ?? 0
    const flood = async (size: number): Promise<void> => {
      const words = ['-1', '-q', '-i', 'u200', '-c', '5000', '-d', String(size), SERVER_4]
      await client.run(['hping3', ...words], { mayFail: true })
    }
    const before = await received()
    await flood(56)
    await sync(daemon, client, SERVER_4)
    const own = await received()
    expect(own - before).toBeLessThan(20)
    await flood(120)
    await until('the flood is counted', async () => (await received()) - own >= 200)
    const other = (await received()) - own
    expect(other).toBeGreaterThanOrEqual(200)
    expect(other).toBeLessThan(1_500)
    await pings(client, SERVER_4, ...PINGS)
    await daemon.process.line(/OPEN SESAME/)
  })

  test('a recording of pings says the same to postern replay', async () => {
    const { server, client, daemon } = await shared.with(door('icmp/419,8822:udp/32,icmp/731'))
    const file = await recordedOf(server, 'icmp or icmp6 or udp', async () => {
      for (const host of [SERVER_4, SERVER_6]) {
        await pings(client, host, 100, 419)
        await sendDatagrams(client, host, 8822, [new Uint8Array(31), new Uint8Array(32)])
        await pings(client, host, 731)
        await daemon.process.line(/OPEN SESAME/)
      }
    })
    const { stdout } = await run([process.execPath, program('postern'), 'replay', '-c', daemon.file, file])
    for (const source of [CLIENT_4, CLIENT_6]) {
      expect(stdout).toContain(`${source}: ssh: OPEN SESAME`)
    }
    expect(stdout.match(/OPEN SESAME/g)).toHaveLength(2)
  })

  test('a UDP knock of any size and one of a size: a datagram is both', async () => {
    const config =
      '[any]\nSequence = 8822:udp,7301\nStart_Command = echo any\n[sized]\nSequence = 8822:udp/32,7301\nStart_Command = echo sized\n'
    const { client, daemon } = await shared.with(config)
    await sendDatagrams(client, SERVER_4, 8822, [new Uint8Array(31)])
    await sendKnocks(client, SERVER_4, ['7301'])
    await daemon.process.line(/any: OPEN SESAME/)
    expect(daemon.process.count(/sized: /)).toBe(0)
    await sendDatagrams(client, SERVER_6, 8822, [new Uint8Array(32)])
    await sendKnocks(client, SERVER_6, ['7301'])
    // Which of the two is said first is nobody's concern.
    await until('both are open', () =>
      ['any', 'sized'].every((name) => daemon.process.lines.includes(`${CLIENT_6}: ${name}: OPEN SESAME`)),
    )
    expect(daemon.process.count(/any: OPEN SESAME/)).toBe(2)
    expect(daemon.process.count(/sized: OPEN SESAME/)).toBe(1)
  })
})
