// Goal: frames that no link here can make by itself, tagged once and twice or with extension headers, pass the kernel's
// filter and open the door: they are made by hand and sent with tcpreplay.
import { writeFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import { LINKS, ip4, ip6 } from '../packets/build.ts'
import { UDP } from '../../src/packet/packet.ts'
import { startKnockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const little = (value: number): number[] => [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24]

/** A capture file of Ethernet frames, a millisecond apart (the format of libpcap's savefiles, pcap-savefile(5)). */
const captureOf = (frames: readonly (readonly number[])[]): Uint8Array => {
  const header = [little(0xa1b2c3d4), [2, 0, 4, 0], little(0), little(0), little(65_535), little(1)]
  const records = frames.flatMap((frame, index) => {
    const length = little(frame.length)
    return [little(1), little(index * 1_000), length, length, frame]
  })
  return Uint8Array.from([...header, ...records].flat())
}

lab('frames made by hand', () => {
  test.each(['Ethernet', 'VLAN', 'QinQ'])('%s, over IPv4 and IPv6', async (name) => {
    const { server, client } = await pair()
    const config = '[options]\nScan_Ports = 0\n[ssh]\nSequence = 7301,8822:udp\nStart_Command = true\n'
    const { process } = await startKnockd({ host: server, config })
    running = process
    const mac = /link\/ether (\S+)/.exec(await server.ip('link show dev eth0'))![1]!
    const to = mac.split(':').map((byte) => Number.parseInt(byte, 16))
    const [, , wrap] = LINKS.find(([link]) => link === name)!
    const send = async (packets: readonly (readonly number[])[]): Promise<void> => {
      const file = scratch('frames.pcap')
      writeFileSync(file, captureOf(packets.map((packet) => [...to, ...wrap(packet).slice(6)])))
      await client.run(['tcpreplay', '-q', '-i', 'eth0', file])
    }
    const four = { from: CLIENT_4, to: SERVER_4 }
    await send([ip4({ ...four, port: 7301, options: 8 }), ip4({ ...four, port: 8822, protocol: UDP })])
    expect(await process.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
    const six = { from: CLIENT_6, to: SERVER_6 }
    await send([ip6({ ...six, port: 7301 }), ip6({ ...six, port: 8822, protocol: UDP, extensions: [0, 60] })])
    expect(await process.line(/OPEN SESAME/)).toBe(`${CLIENT_6}: ssh: OPEN SESAME`)
  })
})
