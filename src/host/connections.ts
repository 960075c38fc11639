import { readFileSync } from 'node:fs'
import type { Service } from '../config/config.ts'
import { parseAddress, sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { contains } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import { ESTABLISHED, isLoopback, socketsOf } from './sockets.ts'
import type { ReadTable, Socket } from './sockets.ts'

/** Where Linux lists the connections that pass through it, if it was built to (CONFIG_NF_CONNTRACK_PROCFS). */
const TRACKED = '/proc/net/nf_conntrack'

const readText: ReadTable = (path) => readFileSync(path, 'latin1')

/**
 * Whether one of these addresses has an established TCP connection to one of the services, by the tables that the kernel
 * prints. They are read and taken apart at once, on the event loop: {@link ConnectionLookup} asks for them only where the
 * kernel answers no questions.
 */
export function isConnected(services: readonly Service[], from: Network, read: ReadTable = readText): boolean {
  const tcp = services.filter(({ protocol }) => protocol === TCP)
  if (tcp.length === 0) return false
  if (tcp.some(({ host }) => host === undefined)) {
    for (const { state, port, peer } of socketsOf(TCP, read)) {
      if (state === ESTABLISHED && contains(from, peer) && isServedHere(tcp, port)) return true
    }
  }
  // What is handed on to others, or to another port, is in no socket's name here.
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
    // First the packets of who began it, before any translation, then those that answer.
    const match =
      / tcp .* ESTABLISHED src=(\S+) dst=(\S+) sport=\d+ dport=(\d+) .*?src=(\S+) dst=\S+ sport=(\d+) /.exec(line)
    if (match === null) continue
    const [, begun = '', to = '', port = '', answering = '', itsPort = ''] = match
    const [source, destination] = [parseAddress(begun), parseAddress(to)]
    if (source === undefined || destination === undefined || !contains(from, source)) continue
    const handedOn = to !== answering || port !== itsPort
    if (isServedElsewhere(services, destination, Number(port), handedOn)) return true
  }
  return false
}

/** Whether a connection to a port of this host is one to one of the services. */
export function isServedHere(services: readonly Service[], port: number): boolean {
  return services.some((service) => service.host === undefined && has(service, port))
}

/**
 * Whether a connection that passes through this host is one to one of the services: those of other hosts by the host's
 * address, those of this one where it is handed on, to another host or to another port.
 */
export function isServedElsewhere(
  services: readonly Service[],
  destination: Address,
  port: number,
  handedOn: boolean,
): boolean {
  const named = ({ host }: Service): boolean => (host === undefined ? handedOn : sameAddress(host, destination))
  return services.some((service) => named(service) && has(service, port))
}

/** TCP connections that others have to services of this host. */
export function connectionsTo(services: readonly Service[], read: ReadTable = readText): readonly Socket[] {
  const here = services.filter(({ protocol, host }) => protocol === TCP && host === undefined)
  return [...socketsOf(TCP, read)].filter(
    ({ state, peer, port }) => state === ESTABLISHED && !isLoopback(peer) && here.some((service) => has(service, port)),
  )
}

function has({ first, last }: Service, port: number): boolean {
  return first <= port && port <= last
}
