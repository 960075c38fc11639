import { writeFileSync } from 'node:fs'
import { LINKS } from '../packets/build.ts'
import { pcapFile } from '../packets/capture.ts'
import type { Host } from './net.ts'
import { scratch } from './scratch.ts'

/** Link type of Ethernet (tcpdump.org/linktypes.html). */
const ETHERNET = 1

/**
 * Sends packets to a host's `eth0` in frames made by hand, a millisecond apart.
 *
 * @param link how they are wrapped, a name of {@link LINKS}
 */
export async function sendFrames(
  from: Host,
  to: Host,
  link: string,
  packets: readonly (readonly number[])[],
): Promise<void> {
  const mac = /link\/ether (\S+)/.exec(await to.ip('link show dev eth0'))![1]!
  const address = mac.split(':').map((byte) => Number.parseInt(byte, 16))
  const [, , wrap] = LINKS.find(([name]) => name === link)!
  const frames = packets.map((packet, index) => ({
    time: BigInt(1_000_000 + index * 1_000),
    bytes: [...address, ...wrap(packet).slice(6)],
  }))
  const file = scratch('frames.pcap')
  writeFileSync(file, pcapFile(frames, 'little', 'us', ETHERNET))
  await from.run(['tcpreplay', '-q', '-i', 'eth0', file])
}
