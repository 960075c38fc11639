import { createReadStream } from 'node:fs'
import type { Service } from '../config/config.ts'
import { hasPort } from '../config/service.ts'
import { formatAddress, parseAddress, sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
import { isLoopback } from '../packet/scope.ts'
import { resumedConnections, trackedLines } from './conntrack.ts'
import type { ResumedConnection } from './conntrack.ts'
import { localAddresses } from './local-addresses.ts'
import { ESTABLISHED, LISTENING, socketsOf } from './sockets.ts'
import type { ReadTable } from './sockets.ts'

/** Linux's list of the flows that pass through it, if the kernel has CONFIG_NF_CONNTRACK_PROCFS. */
const TRACKED = '/proc/net/nf_conntrack'
/** Bytes of that list read at a time, between two turns of the event loop. */
const PIECE_BYTES = 65_536
/** States of `<net/tcp_states.h>` in which a peer may be connected: established, begun, and half closed. */
const BEGUN = 0x03
const WITH_PEER: ReadonlySet<number> = new Set([ESTABLISHED, BEGUN, 0x04, 0x05, 0x08])
const PROTOCOLS: Readonly<Record<string, Protocol>> = { tcp: TCP, udp: UDP }

/** Packets between a peer and a service that are one connection. */
export interface Flow {
  readonly protocol: Protocol
  readonly peer: Address
  readonly peerPort: number
  /** The address that the peer sent them to, before any translation. */
  readonly address: Address
  readonly port: number
  /** The unique inode of its socket; 0: no program has accepted it yet. Absent for forwarded flows. */
  readonly inode: number | undefined
  /** This host's end of the flow, if it has one. */
  readonly local: { readonly address: Address; readonly port: number }
  /** True if both ends have agreed on the flow. */
  readonly established: boolean
}

/** Returns the name of a flow while it lasts. A later flow from the same port has the same name. */
export function flowName({ protocol, peer, peerPort, address, port }: Flow): string {
  return `${protocol} ${formatAddress(peer)} ${peerPort} ${formatAddress(address)} ${port}`
}

/** The flows that are looked for. */
export interface Wanted {
  readonly services: readonly Service[]
  /** The closed port to which the guard redirects packets. Flows redirected to it are left out. */
  readonly closedPort: number
}

/** The system's lists. Tests replace them. */
export interface Lists {
  readonly read?: ReadTable
  readonly tracked?: () => AsyncIterable<string>
  readonly resumed?: typeof resumedConnections
  readonly own?: readonly Address[]
}

/**
 * Yields the flows from other hosts to services: those of this host's sockets and those of connection tracking. The
 * latter include forwarded flows. Some flows appear twice. Without connection tracking, only sockets are known.
 */
export async function* flowsTo(wanted: Wanted, lists: Lists = {}): AsyncGenerator<Flow, void> {
  const own = lists.own ?? localAddresses()
  // The guard ignores connections that this host began itself.
  const isOwn = (address: Address): boolean => isLoopback(address) || own.some((each) => sameAddress(each, address))
  for (const flow of ofSockets(wanted, lists.read)) if (!isOwn(flow.peer)) yield flow
  let rest = ''
  try {
    for await (const piece of lists.tracked?.() ?? readTracked(wanted)) {
      const lines = (rest + piece).split('\n')
      rest = lines.pop()!
      for (const line of lines) {
        const flow = trackedIn(line, wanted, own)
        if (flow !== undefined && !isOwn(flow.peer)) yield flow
      }
    }
  } catch {
    // Connection tracking is off, or this kernel does not print the list.
  }
  for (const flow of await ofResumed(wanted, lists.resumed)) if (!isOwn(flow.peer)) yield flow
}

/**
 * Returns TCP flows to services of other hosts that connection tracking saw first when the service sent something. It
 * takes the service for the end that began them.
 */
async function ofResumed({ services }: Wanted, resumed = resumedConnections): Promise<readonly Flow[]> {
  const theirs = services.filter(({ host, protocol }) => host !== undefined && protocol === TCP)
  if (theirs.length === 0) return []
  try {
    const all = await resumed((port) => theirs.some(({ first, last }) => first <= port && port <= last))
    return all.map(flowOf).filter((flow) => hasPort(theirs, flow, flow.address))
  } catch {
    // Connection tracking is off, or this kernel does not list it.
    return []
  }
}

function flowOf({ source: address, sourcePort: port, destination, destinationPort, replied }: ResumedConnection): Flow {
  const ends = { peer: destination, peerPort: destinationPort, address, port, local: { address, port } }
  return { protocol: TCP, ...ends, inode: undefined, established: replied }
}

async function* readTracked({ services }: Wanted): AsyncGenerator<string, void> {
  try {
    for await (const piece of createReadStream(TRACKED, { encoding: 'latin1', highWaterMark: PIECE_BYTES })) {
      yield piece as string
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw error
    // Only root can read the list. A user with CAP_NET_ADMIN can ask the kernel.
    yield await trackedLines((port) => services.some(({ first, last }) => first <= port && port <= last))
  }
}

function* ofSockets({ services }: Wanted, read?: ReadTable): Generator<Flow, void> {
  const sockets = [...socketsOf(TCP, read)]
  const listened = new Set(sockets.filter(({ state }) => state === LISTENING).map(({ port }) => port))
  for (const socket of sockets) {
    const { state, address, port, peer, peerPort, inode } = socket
    if (!WITH_PEER.has(state)) continue
    // A connection that its program has closed ends by itself.
    if (inode === 0 && state !== ESTABLISHED && state !== BEGUN) continue
    // This host may have begun a connection from a port of a guarded range.
    if (!listened.has(port) || !hasPort(services, socket)) continue
    const established = state === ESTABLISHED
    yield { protocol: TCP, peer, peerPort, address, port, inode, local: { address, port }, established }
  }
}

/**
 * A line of the list, of a flow that has not ended: the client's addresses before any translation, then those of the
 * answers.
 */
const LINE =
  /^ipv[46] +\d+ +(?:(udp) +17 +\d+|(tcp) +6 +\d+ (SYN_SENT|SYN_RECV|ESTABLISHED|FIN_WAIT|CLOSE_WAIT)) src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+) (\[UNREPLIED\] )?.*?src=(\S+) dst=\S+ sport=(\d+) /

function trackedIn(line: string, { services, closedPort }: Wanted, own: readonly Address[]): Flow | undefined {
  const [, udp, tcp, state = '', source = '', destination = '', from, to, unreplied, answering = '', answeringPort] =
    LINE.exec(line) ?? []
  const protocol = PROTOCOLS[udp ?? tcp ?? '']
  const port = Number(to)
  // Nearly all lines are of other ports, so their addresses are not even read.
  if (!services.some((each) => each.protocol === protocol && each.first <= port && port <= each.last)) return undefined
  if (protocol === undefined) return undefined
  const [peer, address, answers] = [source, destination, answering].map(parseAddress)
  if (peer === undefined || address === undefined || answers === undefined) return undefined
  const here = own.some((each) => sameAddress(each, address))
  const meant = hasPort(services, { protocol, port }, address) || (here && hasPort(services, { protocol, port }))
  const local = { address: answers, port: Number(answeringPort) }
  const handedOn = !sameAddress(address, answers) || local.port !== port
  // Sockets tell more about this host's connections, but a connection begun by a SYN cookie has none yet.
  const socket = here && protocol === TCP && !handedOn
  if (!meant || (socket && !state.startsWith('SYN_'))) return undefined
  if (here && local.port === closedPort && handedOn) return undefined
  return {
    protocol,
    peer,
    peerPort: Number(from),
    address,
    port,
    inode: socket ? 0 : undefined,
    local,
    established: unreplied === undefined && !socket,
  }
}
