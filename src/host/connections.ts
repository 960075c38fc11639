import { readFileSync } from 'node:fs'
import type { Service } from '../config/config.ts'
import { hasPort } from '../config/service.ts'
import { parseAddress, sameAddress } from '../packet/address.ts'
import { contains } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import { isLoopback } from '../packet/scope.ts'
import type { TrackedConnection } from './conntrack.ts'
import { ESTABLISHED, socketsOf } from './sockets.ts'
import type { ReadTable, Socket } from './sockets.ts'

/** Linux's list of the connections that pass through it, if the kernel has CONFIG_NF_CONNTRACK_PROCFS. */
const TRACKED = '/proc/net/nf_conntrack'

const readText: ReadTable = (path) => readFileSync(path, 'latin1')

/**
 * Returns true if one of these addresses has an established TCP connection to one of the services. It reads and parses
 * the kernel's printed tables at once, on the event loop. {@link ConnectionLookup} uses it only if the kernel does not
 * answer requests.
 */
export function isConnected(services: readonly Service[], from: Network, read: ReadTable = readText): boolean {
  const tcp = services.filter(({ protocol }) => protocol === TCP)
  if (tcp.length === 0) return false
  if (tcp.some(({ host }) => host === undefined)) {
    for (const socket of socketsOf(TCP, read)) {
      if (socket.state === ESTABLISHED && contains(from, socket.peer) && hasPort(tcp, socket)) return true
    }
  }
  // Connections that are forwarded to other hosts or ports have no socket here.
  return isTracked(tcp, from, read)
}

function isTracked(services: readonly Service[], from: Network, read: ReadTable): boolean {
  let table = ''
  try {
    table = read(TRACKED)
  } catch {
    return false
  }
  for (const line of table.split('\n')) {
    // First the addresses of the client's packets, before any translation, then those of the answers.
    const match =
      / tcp .* ESTABLISHED src=(\S+) dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+) /.exec(line)
    if (match === null) continue
    const [source, destination, answering] = [match[1]!, match[2]!, match[4]!].map(parseAddress)
    if (source === undefined || destination === undefined || answering === undefined) continue
    const connection = { source, destination, port: Number(match[3]), answering, answeringPort: Number(match[5]) }
    if (contains(from, source) && isServedElsewhere(services, connection)) return true
  }
  return false
}

/**
 * Returns true if a connection that passes through this host is one to the services. Services of other hosts match by
 * the host's address. Services of this host match if the connection is forwarded to another host or port.
 */
export function isServedElsewhere(
  services: readonly Service[],
  { destination, port, answering, answeringPort }: TrackedConnection,
): boolean {
  const forwarded = port !== answeringPort || !sameAddress(destination, answering)
  const knock = { protocol: TCP, port } as const
  return hasPort(services, knock, destination) || (forwarded && hasPort(services, knock))
}

/** Returns the TCP connections from other hosts to services of this host. */
export function connectionsTo(services: readonly Service[], read: ReadTable = readText): readonly Socket[] {
  return [...socketsOf(TCP, read)].filter(
    (socket) => socket.state === ESTABLISHED && !isLoopback(socket.peer) && hasPort(services, socket),
  )
}
