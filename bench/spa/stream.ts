import { formatAddress } from '../../src/packet/address.ts'
import { writeTraffic } from '../traffic.ts'
import type { World } from '../world.ts'
import { validPackets } from './packets.ts'
import type { Format } from './packets.ts'
import { SPA_PORT } from './peers.ts'

/** First of the sources: 10.1.0.0, counted from 10.0.0.0. */
const FIRST_SOURCE = 0x10_000
const SOURCE_PORT = 40_000
/** First of the addresses that packets open for: 172.16.0.0. */
const FIRST_CLAIMED = 0xac10_0000

/** Writes a capture of these packets, each from a source of its own. Gives its path. */
export async function writePackets(world: World, name: string, packets: readonly Uint8Array[]): Promise<string> {
  return writeTraffic(world, name, packets.length, (index) => ({
    kind: 'udp',
    source: FIRST_SOURCE + index,
    sourcePort: SOURCE_PORT,
    port: SPA_PORT,
    payload: packets[index]!,
  }))
}

/** The same with packets that open, each for an address of its own. They are good for two minutes. */
export async function writeValid(world: World, format: Format, count: number): Promise<string> {
  const addresses = Array.from({ length: count }, (_, index) =>
    formatAddress({ family: 4, a: (FIRST_CLAIMED + index) | 0, b: 0, c: 0, d: 0 }),
  )
  return writePackets(world, 'valid.pcap', validPackets(format, addresses))
}
