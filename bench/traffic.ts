import { closeSync, openSync, writeSync } from 'node:fs'
import { run } from '../test/lab/process.ts'
import { SERVER } from './world.ts'
import type { World } from './world.ts'

const SYN = 0x02
const ACK = 0x10
/** Ethernet, IPv4 and TCP headers without options. */
const FRAME_BYTES = 54
const RECORD_BYTES = 16
const FILE_HEADER_BYTES = 24
/** Frames that are gathered before they are written. */
const FRAMES_AT_A_TIME = 10_000
/** Seconds beyond what the packets take that a generator may run. */
const GENERATOR_SPARE_S = 60

/** A packet of the traffic. */
export interface Sent {
  /** The source, as a number: 10.0.0.0 and so many. */
  readonly source: number
  readonly sourcePort: number
  readonly port: number
  readonly sequence: number
  readonly kind: 'syn' | 'ack'
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
    writeSync(fd, fileHeader())
    const record = RECORD_BYTES + FRAME_BYTES
    for (let done = 0; done < count; done += FRAMES_AT_A_TIME) {
      const now = Math.min(FRAMES_AT_A_TIME, count - done)
      const buffer = Buffer.alloc(now * record)
      for (let at = 0; at < now; at++) {
        const one = buffer.subarray(at * record, (at + 1) * record)
        one.writeUInt32LE(FRAME_BYTES, 8)
        one.writeUInt32LE(FRAME_BYTES, 12)
        writeFrame(one.subarray(RECORD_BYTES), mac, packet(done + at))
      }
      writeSync(fd, buffer)
    }
  } finally {
    closeSync(fd)
  }
  return path
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(FILE_HEADER_BYTES)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(262_144, 16)
  header.writeUInt32LE(1, 20)
  return header
}

function writeFrame(frame: Buffer, mac: Buffer, { source, sourcePort, port, sequence, kind }: Sent): void {
  mac.copy(frame, 0)
  frame.writeUInt16BE(0x0200, 6)
  frame.writeUInt16BE(0x0800, 12)
  const ip = frame.subarray(14, 34)
  const tcp = frame.subarray(34)
  ip[0] = 0x45
  ip.writeUInt16BE(40, 2)
  ip.writeUInt16BE(sequence & 0xffff, 4)
  ip[8] = 64
  ip[9] = 6
  ip.writeUInt32BE((0x0a000000 + source) >>> 0, 12)
  ip.set(SERVER.split('.').map(Number), 16)
  ip.writeUInt16BE(checksum(sumOf(ip)), 10)
  tcp.writeUInt16BE(sourcePort, 0)
  tcp.writeUInt16BE(port, 2)
  tcp.writeUInt32BE(sequence >>> 0, 4)
  tcp[12] = 0x50
  tcp[13] = kind === 'syn' ? SYN : ACK
  tcp.writeUInt16BE(64_240, 14)
  // The pseudo header: both addresses, protocol, length (RFC 9293, 3.1).
  tcp.writeUInt16BE(checksum(sumOf(ip.subarray(12)) + 6 + 20 + sumOf(tcp)), 16)
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

/** What a generator did. */
export interface Generated {
  readonly packets: number
  /** Packets a second that it reached. */
  readonly rate: number
}

/** Sends a capture from the client, `loops` times over, at a rate or as fast as it goes. */
export async function generate(
  world: World,
  path: string,
  { pps, loops = 1, packets }: { readonly pps: number | undefined; readonly loops?: number; readonly packets: number },
): Promise<Generated> {
  const speed = pps === undefined ? ['--topspeed'] : [`--pps=${pps}`]
  const argv = ['tcpreplay', '-q', '-K', '-i', 'eth0', ...speed, `--loop=${loops}`, path]
  const seconds = pps === undefined ? 0 : (packets * loops) / pps
  const { stdout } = await run(argv, { ns: world.client, limitMs: (seconds + GENERATOR_SPARE_S) * 1000 })
  const [, sent, took] = /Actual: (\d+) packets \(\d+ bytes\) sent in ([\d.]+) seconds/.exec(stdout) ?? []
  if (sent === undefined || took === undefined) throw new Error(`tcpreplay did not say what it sent:\n${stdout}`)
  return { packets: Number(sent), rate: Number(sent) / Number(took) }
}
