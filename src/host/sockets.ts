import { readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import type { Address } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
import { unmapped } from '../packet/scope.ts'

/** Linux's lists of its sockets (proc(5)). */
const TABLES: Readonly<Record<Protocol, readonly string[]>> = {
  [TCP]: ['/proc/net/tcp', '/proc/net/tcp6'],
  [UDP]: ['/proc/net/udp', '/proc/net/udp6'],
}

/** States by the kernel's numbers (`<net/tcp_states.h>`). A UDP socket without a peer has the state of a closed one. */
export const ESTABLISHED = 0x01
export const UNCONNECTED = 0x07
export const LISTENING = 0x0a

/** Both ends and the state. The inode follows after queues, timers, user and timeout. */
const ROW = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]+):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/

/** A socket of this host. */
export interface Socket {
  readonly protocol: Protocol
  readonly state: number
  readonly address: Address
  readonly port: number
  readonly peer: Address
  readonly peerPort: number
  /** The socket's inode, once a program has it; 0: no program has it. */
  readonly inode: number
}

/** Reads a file of the system. Tests replace it. */
export type ReadTable = (path: string) => string

/** Yields the sockets of a protocol on this host. None if the system does not list them. */
export function* socketsOf(
  protocol: Protocol,
  read: ReadTable = (path) => readFileSync(path, 'latin1'),
): Generator<Socket, void> {
  for (const path of TABLES[protocol]) {
    let table = ''
    try {
      table = read(path)
    } catch {
      continue
    }
    for (const line of table.split('\n')) {
      const match = ROW.exec(line)
      if (match === null) continue
      const [, address = '', port = '', peer = '', peerPort = '', state = '', inode] = match
      yield {
        protocol,
        state: Number.parseInt(state, 16),
        address: addressIn(address),
        port: Number.parseInt(port, 16),
        peer: addressIn(peer),
        peerPort: Number.parseInt(peerPort, 16),
        inode: Number(inode),
      }
    }
  }
}

/** Reads an address of the tables: words of 32 bits, each in the byte order of this machine. */
function addressIn(text: string): Address {
  const words = Array.from({ length: text.length / 8 }, (_, index) => wordIn(text.slice(index * 8, index * 8 + 8)))
  const [a = 0, b = 0, c = 0, d = 0] = words
  if (words.length === 1) return { family: 4, a, b: 0, c: 0, d: 0 }
  // A socket for both families may have an IPv4 peer.
  return unmapped({ family: 6, a, b, c, d })
}

function wordIn(text: string): number {
  const bytes = endianness() === 'LE' ? text.replace(/(..)(..)(..)(..)/, '$4$3$2$1') : text
  return Number.parseInt(bytes, 16) | 0
}
