import { closeSync, openSync, writeSync } from 'node:fs'
import { run } from '../test/lab/process.ts'
import { savefileHeader, savefileRecord } from '../test/packets/savefile.ts'
import { SEQUENCE, onCore } from './peers.ts'
import { SERVER } from './world.ts'
import type { World } from './world.ts'

const SYN = 0x02
const ACK = 0x10
const TCP = 6
const UDP = 17
/** Headers without options: Ethernet, IPv4, TCP, UDP. */
const ETHERNET_BYTES = 14
const IP_BYTES = 20
const TCP_BYTES = 20
const UDP_BYTES = 8
/** Frames that are gathered before they are written. */
const FRAMES_AT_A_TIME = 10_000
/** Seconds beyond what the packets take that a generator may run. */
const GENERATOR_SPARE_S = 60

/** Where a packet of the traffic comes from and goes to. */
interface Way {
  /** The source, as a number: 10.0.0.0 and so many. */
  readonly source: number
  readonly sourcePort: number
  readonly port: number
}

/** A segment without payload. */
export interface Segment extends Way {
  readonly sequence: number
  readonly kind: 'syn' | 'ack'
}

/** A datagram. */
export interface Datagram extends Way {
  readonly kind: 'udp'
  readonly payload: Uint8Array
}

/** A packet of the traffic. */
export type Sent = Segment | Datagram

/** Writes a capture of the first knocks of so many sources, for tcpreplay. Gives its path. */
export async function writeFirstKnocks(world: World, name: string, sources: number): Promise<string> {
  return await writeTraffic(world, name, sources, (index) => ({
    source: 0x10_000 + index,
    sourcePort: 1024 + (index % 60_000),
    port: SEQUENCE[0],
    sequence: index * 7919,
    kind: 'syn',
  }))
}

/** Writes a capture of so many packets to the server, for tcpreplay. Gives its path. */
export async function writeTraffic(
  world: World,
  name: string,
  count: number,
  packet: (index: number) => Sent,
): Promise<string> {
  const { stdout } = await world.onServer(['cat', '/sys/class/net/eth0/address'])
  const mac = Buffer.from(stdout.trim().replaceAll(':', ''), 'hex')
  const path = world.file(name)
  const fd = openSync(path, 'w')
  try {
    writeSync(fd, savefileHeader())
    for (let done = 0; done < count; done += FRAMES_AT_A_TIME) {
      const now = Math.min(FRAMES_AT_A_TIME, count - done)
      const records = Array.from({ length: now }, (_, at) => savefileRecord(frameOf(mac, packet(done + at), done + at)))
      writeSync(fd, Buffer.concat(records))
    }
  } finally {
    closeSync(fd)
  }
  return path
}

function frameOf(mac: Buffer, sent: Sent, index: number): Buffer {
  const above = sent.kind === 'udp' ? UDP_BYTES + sent.payload.length : TCP_BYTES
  const frame = Buffer.alloc(ETHERNET_BYTES + IP_BYTES + above)
  mac.copy(frame, 0)
  frame.writeUInt16BE(0x0200, 6)
  frame.writeUInt16BE(0x0800, 12)
  const ip = frame.subarray(ETHERNET_BYTES, ETHERNET_BYTES + IP_BYTES)
  ip[0] = 0x45
  ip.writeUInt16BE(IP_BYTES + above, 2)
  ip.writeUInt16BE(index & 0xffff, 4)
  ip[8] = 64
  ip[9] = sent.kind === 'udp' ? UDP : TCP
  ip.writeUInt32BE((0x0a000000 + sent.source) >>> 0, 12)
  ip.set(SERVER.split('.').map(Number), 16)
  ip.writeUInt16BE(checksum(sumOf(ip)), 10)
  const rest = frame.subarray(ETHERNET_BYTES + IP_BYTES)
  rest.writeUInt16BE(sent.sourcePort, 0)
  rest.writeUInt16BE(sent.port, 2)
  if (sent.kind === 'udp') writeDatagram(rest, sent)
  else writeSegment(rest, sent, ip)
  return frame
}

/** Without a checksum (RFC 768: zero). */
function writeDatagram(udp: Buffer, { payload }: Datagram): void {
  udp.writeUInt16BE(udp.length, 4)
  udp.set(payload, UDP_BYTES)
}

function writeSegment(tcp: Buffer, { sequence, kind }: Segment, ip: Buffer): void {
  tcp.writeUInt32BE(sequence >>> 0, 4)
  tcp[12] = 0x50
  tcp[13] = kind === 'syn' ? SYN : ACK
  tcp.writeUInt16BE(64_240, 14)
  // The pseudo header: both addresses, protocol, length (RFC 9293, 3.1).
  tcp.writeUInt16BE(checksum(sumOf(ip.subarray(12)) + TCP + TCP_BYTES + sumOf(tcp)), 16)
}

function sumOf(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  return sum
}

function checksum(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
  return ~folded & 0xffff
}

/** The result of a generator. */
export interface Generated {
  readonly packets: number
  /** Packets a second that it reached. */
  readonly rate: number
}

/** The options for sending a capture. */
export interface Generating {
  /** Packets a second; `undefined`: as fast as it goes. */
  readonly pps: number | undefined
  readonly loops?: number
  /** The number of packets in the capture. */
  readonly packets: number
  /** Seconds after which it ends even if not all is sent. */
  readonly seconds?: number
  /** The only processor core that the generator runs on. */
  readonly core?: number | undefined
}

/** Sends a capture from the client, `loops` times over, at a rate or as fast as it goes. */
export async function generate(
  world: World,
  path: string,
  { pps, loops = 1, packets, seconds, core }: Generating,
): Promise<Generated> {
  const speed = pps === undefined ? ['--topspeed'] : [`--pps=${pps}`]
  const end = seconds === undefined ? [] : [`--duration=${seconds}`]
  const argv = [...onCore(core), 'tcpreplay', '-q', '-K', '-i', 'eth0', ...speed, `--loop=${loops}`, ...end, path]
  const needed = pps === undefined ? 0 : (packets * loops) / pps
  const limitMs = (Math.min(needed, seconds ?? Infinity) + GENERATOR_SPARE_S) * 1000
  const { stdout } = await run(argv, { ns: world.client, limitMs })
  const [, sent, took] = /Actual: (\d+) packets \(\d+ bytes\) sent in ([\d.]+) seconds/.exec(stdout) ?? []
  if (sent === undefined || took === undefined) throw new Error(`tcpreplay did not say what it sent:\n${stdout}`)
  return { packets: Number(sent), rate: Number(sent) / Number(took) }
}
