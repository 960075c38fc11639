import { readFileSync } from 'node:fs'
import { TCP, UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'

/** Where Linux lists its sockets (proc(5)). */
const TABLES: readonly { readonly path: string; readonly protocol: Protocol }[] = [
  { path: '/proc/net/tcp', protocol: TCP },
  { path: '/proc/net/tcp6', protocol: TCP },
  { path: '/proc/net/udp', protocol: UDP },
  { path: '/proc/net/udp6', protocol: UDP },
]

/** Socket states as the kernel numbers them (`<net/tcp_states.h>`): a listening TCP socket, and a UDP socket with no peer. */
const TCP_LISTEN = '0A'
const UDP_UNCONNECTED = '07'

/** Ports on which something listens. */
export interface Listening {
  readonly [TCP]: ReadonlySet<number>
  readonly [UDP]: ReadonlySet<number>
}

/** The ports on which a program of this machine listens for others. Empty where the system does not list its sockets. */
export function listeningPorts(read: (path: string) => string = (path) => readFileSync(path, 'latin1')): Listening {
  const ports = { [TCP]: new Set<number>(), [UDP]: new Set<number>() }
  for (const { path, protocol } of TABLES) {
    let table = ''
    try {
      table = read(path)
    } catch {
      continue
    }
    for (const port of portsIn(table, protocol)) ports[protocol].add(port)
  }
  return ports
}

function portsIn(table: string, protocol: Protocol): readonly number[] {
  const ports: number[] = []
  for (const line of table.split('\n')) {
    const match = /^\s*\d+: ([0-9A-F]+):([0-9A-F]{4}) [0-9A-F]+:[0-9A-F]{4} ([0-9A-F]{2}) /.exec(line)
    if (match === null) continue
    const [, address = '', port = '', state] = match
    if (state === (protocol === TCP ? TCP_LISTEN : UDP_UNCONNECTED) && !isLoopback(address))
      ports.push(Number.parseInt(port, 16))
  }
  return ports
}

/** 127.0.0.0/8 and ::1 as they stand in the tables: words of 32 bits, in this or the other byte order. */
function isLoopback(address: string): boolean {
  if (address.length === 8) return address.endsWith('7F') || address.startsWith('7F')
  return (
    /^0{24}(01000000|00000001)$/.test(address) ||
    /^0{16}(FFFF0000|0000FFFF)([0-9A-F]{6}7F|7F[0-9A-F]{6})$/.test(address)
  )
}
