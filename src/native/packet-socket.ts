import koffi from './koffi.ts'
import { errorName } from './libc.ts'

const libc = koffi.load(null)
// getsockopt(2), getsockname(2): POSIX. The options below exist only on Linux.
const getsockopt = libc.func('int getsockopt(int fd, int level, int name, void *value, void *length)')
const getsockname = libc.func('int getsockname(int fd, void *address, void *length)')

/** `<asm-generic/socket.h>`, the same on Node.js's platforms. SO_GET_FILTER is another name of SO_ATTACH_FILTER. */
const SOL_SOCKET = 1
const SO_GET_FILTER = 26
/** `<linux/if_packet.h>`. */
const SOL_PACKET = 263
const PACKET_FANOUT = 18
/** The most instructions of a filter, and bytes of each (`<linux/bpf_common.h>`, `<linux/filter.h>`). */
const BPF_MAXINSNS = 4_096
const INSTRUCTION_BYTES = 8
/** Bytes of a struct sockaddr_ll (packet(7)) that describe the binding: family, protocol, interface. */
const BOUND_BYTES = 8

/** The current state in the kernel that decides which packets a packet socket receives (packet(7)). */
export interface PacketSocketState {
  /** The filter's instructions. If empty, every packet is received. */
  readonly filter: Buffer
  /** Protocol and interface. */
  readonly bound: Buffer
  /** The group of sockets that share packets, or 0. */
  readonly fanout: number
}

const filterBytes = Buffer.alloc(BPF_MAXINSNS * INSTRUCTION_BYTES)
const lengthBytes = Buffer.alloc(4)
const length = new Uint32Array(lengthBytes.buffer, lengthBytes.byteOffset, 1)

/**
 * Reads a packet socket's state. Returns `undefined` on systems other than Linux.
 *
 * @throws Error if the descriptor is no longer a packet socket, or its filter is not a classic one
 */
export function readPacketSocket(fd: number): PacketSocketState | undefined {
  if (process.platform !== 'linux') return undefined
  length[0] = BPF_MAXINSNS
  if (getsockopt(fd, SOL_SOCKET, SO_GET_FILTER, filterBytes, lengthBytes) !== 0) fail('its filter')
  const filter = Buffer.from(filterBytes.subarray(0, length[0] * INSTRUCTION_BYTES))
  const bound = Buffer.alloc(BOUND_BYTES)
  length[0] = bound.length
  if (getsockname(fd, bound, lengthBytes) !== 0) fail('its interface')
  const fanout = Buffer.alloc(4)
  length[0] = fanout.length
  if (getsockopt(fd, SOL_PACKET, PACKET_FANOUT, fanout, lengthBytes) !== 0) fail('its group')
  return { filter, bound, fanout: fanout.readInt32LE() }
}

/** Returns the reason why a socket receives other packets than before, or `undefined`. */
export function packetSocketChange(before: PacketSocketState, now: PacketSocketState): string | undefined {
  if (!now.filter.equals(before.filter)) return 'another program changed the filter of its socket'
  if (!now.bound.equals(before.bound)) return 'another program bound its socket elsewhere'
  if (now.fanout !== before.fanout) return 'another program took a share of its packets'
  return undefined
}

function fail(what: string): never {
  throw new Error(`another program changed its socket: ${what} cannot be read: ${errorName()}`)
}
