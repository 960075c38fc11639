import { writeFileSync } from 'node:fs'
import type { Segment } from '../packets/build.ts'
import { ip4 } from '../packets/build.ts'
import { savefileHeader, savefileRecord } from '../packets/savefile.ts'
import { macOf } from './frames.ts'
import type { Host } from './net.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'

/** Where IPv4's checksum stands in its header (RFC 791, 3.1). */
const CHECKSUM_AT = 10
const IP_BYTES = 20
/** A source address, and the type of IPv4. */
const ETHERNET = Buffer.from('0200000000010800', 'hex')

/** Makes frames of packets to a host. */
export async function framesTo(to: Host, packets: readonly Segment[]): Promise<readonly Buffer[]> {
  const mac = await macOf(to)
  return packets.map((packet) => frameTo(mac, packet))
}

/** Makes the frame of a packet to an Ethernet address. */
export function frameTo(mac: Buffer, packet: Segment): Buffer {
  const bytes = Buffer.from(ip4(packet))
  bytes.writeUInt16BE(checksum(bytes.subarray(0, IP_BYTES)), CHECKSUM_AT)
  return Buffer.concat([mac, ETHERNET, bytes])
}

/** Writes frames as a capture that tcpreplay sends as it stands. Gives its path. */
export function writeFrames(frames: readonly Buffer[]): string {
  const path = scratch('frames.pcap')
  writeFileSync(path, Buffer.concat([savefileHeader(), ...frames.map(savefileRecord)]))
  return path
}

/** Sends a capture from a host so many packets a second, over and over until it is stopped. */
export function send(from: Host, path: string, pps: number, loops: number): Process {
  // Its other timers take a whole core while they wait.
  const rate = ['--timer=nano', `--pps=${pps}`, '--pps-multi=1', `--loop=${loops}`]
  return from.start(['tcpreplay', '-q', '-K', ...rate, '-i', 'eth0', path])
}

/** RFC 1071, with the field itself as zero. */
function checksum(header: Buffer): number {
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += at === CHECKSUM_AT ? 0 : header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
