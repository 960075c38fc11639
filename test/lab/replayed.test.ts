// Goal: frames that no link here can make by itself, tagged once and twice or with extension headers, pass the kernel's
// filter and open the door: they are made by hand and sent with tcpreplay.
import { afterEach, expect, test } from 'vitest'
import { ip4, ip6 } from '../packets/build.ts'
import { UDP } from '../../src/packet/packet.ts'
import { sendFrames } from './frames.ts'
import { startKnockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Process } from './process.ts'

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

lab('frames made by hand', () => {
  test.each(['Ethernet', 'VLAN', 'QinQ'])('%s, over IPv4 and IPv6', async (name) => {
    const { server, client } = await pair()
    const config = '[options]\nScan_Ports = 0\n[ssh]\nSequence = 7301,8822:udp\nStart_Command = true\n'
    const { process } = await startKnockd({ host: server, config })
    running = process
    const send = async (packets: readonly (readonly number[])[]): Promise<void> =>
      sendFrames(client, server, name, packets)
    const four = { from: CLIENT_4, to: SERVER_4 }
    await send([ip4({ ...four, port: 7301, options: 8 }), ip4({ ...four, port: 8822, protocol: UDP })])
    expect(await process.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
    const six = { from: CLIENT_6, to: SERVER_6 }
    await send([ip6({ ...six, port: 7301 }), ip6({ ...six, port: 8822, protocol: UDP, extensions: [0, 60] })])
    expect(await process.line(/OPEN SESAME/)).toBe(`${CLIENT_6}: ssh: OPEN SESAME`)
  })
})
