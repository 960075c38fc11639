import { quote } from '../../text/fault.ts'
import { hasPort } from '../../config/service.ts'
import type { Service } from '../../config/config.ts'
import { formatAddress, parseAddress, sameAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { contains } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import { isLoopback, isMapped, isShared, isUnspecified } from '../../packet/scope.ts'
import { TIMEOUT_MAX_S } from './fields.ts'
import type { Spa } from './open.ts'
import { formatPort } from './request.ts'
import type { Port, Request } from './request.ts'
import type { GnupgSigners, Stanza } from './stanza.ts'

/** The number of hexadecimal digits in a fingerprint, which ends in the key id (RFC 4880, 12.2). */
const FINGERPRINT_CHARS = 40
/** The circumstances of a packet. */
export interface Asked {
  /** The source and the destination of the packet. */
  readonly source: Address
  readonly destination: Address
  /** The current time, in milliseconds since 1970. */
  readonly now: number
  /** The maximum difference of the packet's time from now, in milliseconds; `undefined` means no limit. */
  readonly maxAgeMs: number | undefined
  /** Returns true if an address belongs to this machine now, or is shared by the hosts on its links. */
  readonly isOwn: (address: Address) => boolean
  /** The door's Forward_To, the services to which connections may be forwarded; empty means none. */
  readonly forwardTo: readonly Service[]
}

/** The target of a forwarded connection. */
export interface Sent {
  /** The target host; `undefined` means this machine, at the address of the connection. */
  readonly address: Address | undefined
  readonly port: number
}

/** The result of a packet: access, a command, or the reason for a refusal, for the log. */
export type Grant =
  | {
      readonly kind: 'access'
      /** The address to open for. */
      readonly address: Address
      /** The ports to open. There is at least one, and exactly one if `nat` is set, since fwknopd forwards no other. */
      readonly ports: readonly Port[]
      /** Seconds until the door closes; 0 only for a command cycle without a close command. */
      readonly openS: number
      /** The target to which connections from the packet's address to the port are forwarded. */
      readonly nat: Sent | undefined
    }
  | { readonly kind: 'command'; readonly address: Address; readonly command: string }
  | { readonly refusal: string }

type Access = Extract<Request, { kind: 'access' }>

/** Returns true if a stanza applies to packets with this source and destination. */
export function matches({ sources, destinations }: Stanza, source: Address, destination: Address): boolean {
  return isIn(sources, source) && isIn(destinations, destination)
}

function isIn(networks: readonly Network[], address: Address): boolean {
  return networks.length === 0 || networks.some((network) => contains(network, address))
}

/**
 * Decides whether a stanza allows the request of a packet that its keys have opened. The checks are fwknopd's, except
 * that against replay, and three more. The target and the owner of forwarded connections are checked (see
 * {@link natOf}). A command cycle is limited to the ports of an ordinary opening. Hosts must be addresses.
 */
export function grant(stanza: Stanza, spa: Spa, asked: Asked): Grant {
  const refusal = refusalOf(stanza, spa, asked)
  if (refusal !== undefined) return { refusal }
  const { request } = spa
  const address = request.address ?? asked.source
  if (request.kind === 'command') {
    if (stanza.commands === undefined) return { refusal: 'the stanza does not have ENABLE_CMD_EXEC' }
    return { kind: 'command', address, command: request.command }
  }
  const denied = deniedPort(stanza, request.ports)
  if (denied !== undefined) return { refusal: denied }
  const openS = openTime(stanza, request.timeoutS)
  const nat = natOf(stanza, request, address, asked)
  if (nat === undefined) return { kind: 'access', address, ports: request.ports, openS, nat }
  if ('refusal' in nat) return nat
  return { kind: 'access', address, ports: request.ports.slice(0, 1), openS, nat }
}

/** Returns the reason to refuse a packet, whatever its request. */
function refusalOf(stanza: Stanza, spa: Spa, asked: Asked): string | undefined {
  const { requireUsername, expiresMs } = stanza
  if (!isIn(stanza.sources, asked.source)) return 'its source is not in SOURCE'
  if (!isIn(stanza.destinations, asked.destination)) return 'its destination is not in DESTINATION'
  if (expiresMs !== undefined && asked.now >= expiresMs) return 'the stanza has expired'
  const aheadMs = spa.timestamp * 1_000 - asked.now
  if (asked.maxAgeMs !== undefined && Math.abs(aheadMs) > asked.maxAgeMs) {
    const seconds = Math.round(Math.abs(aheadMs) / 1_000)
    return `the packet is ${seconds} s ${aheadMs > 0 ? 'ahead of this clock' : 'old'}`
  }
  if (stanza.requireSourceAddress && spa.request.address === undefined) {
    return 'it names no address, and the stanza has REQUIRE_SOURCE_ADDRESS'
  }
  if (requireUsername.length > 0 && !requireUsername.includes(spa.user)) {
    return `the user name ${quote(spa.user)} is not in REQUIRE_USERNAME`
  }
  return undefined
}

/** Returns the reason to refuse the ports, or `undefined`. */
function deniedPort({ openPorts, restrictPorts }: Stanza, ports: readonly Port[]): string | undefined {
  const restricted = ports.find((port) => includes(restrictPorts, port))
  if (restricted !== undefined) return `${formatPort(restricted)} is in RESTRICT_PORTS`
  const other = openPorts === undefined ? undefined : ports.find((port) => !includes(openPorts, port))
  return other === undefined ? undefined : `${formatPort(other)} is not in OPEN_PORTS`
}

function includes(ports: readonly Port[], { protocol, port }: Port): boolean {
  return ports.some((one) => one.protocol === protocol && one.port === port)
}

/** Returns the open time: the client's within the stanza's limit, or else the stanza's own, which has no limit. */
function openTime({ accessTimeoutS, maxTimeoutS = TIMEOUT_MAX_S, cycle }: Stanza, timeoutS: number): number {
  if (cycle !== undefined && cycle.close === undefined) return 0
  return timeoutS === 0 ? (cycle?.timerS ?? accessTimeoutS) : Math.min(timeoutS, maxTimeoutS)
}

/**
 * Returns the target of a port, which Forward_To, the stanza and the packet must all allow. fwknopd checks the outside
 * port only and has no list of allowed targets.
 */
function natOf(
  stanza: Stanza,
  { ports, nat }: Access,
  claimed: Address,
  { source, destination, isOwn, forwardTo }: Asked,
): Sent | { readonly refusal: string } | undefined {
  // A command cycle forwards nothing, even with FORCE_NAT beside it.
  const target = stanza.cycle === undefined ? (stanza.forceNat ?? nat) : nat
  if (target === undefined) return undefined
  if (stanza.cycle !== undefined) return { refusal: 'it asks for forwarding, but the stanza has a command cycle' }
  if (!sameAddress(claimed, source)) return { refusal: 'only connections from its own source can be forwarded' }
  if (forwardTo.length === 0) {
    const asks = stanza.forceNat === undefined ? 'it asks for forwarding' : 'the stanza has FORCE_NAT'
    return { refusal: `${asks}, but the door does not have Forward_To` }
  }
  const { host, port } = target
  const address = parseAddress(host)
  // An IPv4 address inside an IPv6 one would be a second name for the same machine.
  if (address === undefined || isMapped(address)) return { refusal: 'the forwarding target is not an address' }
  const local = isHere(address, destination, isOwn)
  const forced = stanza.forceNat !== undefined
  if (!forced && nat?.local === true && !local) {
    return { refusal: 'it asks for a port of this machine at another address' }
  }
  const inner = { protocol: ports[0]!.protocol, port }
  const denied = forced ? undefined : deniedPort(stanza, [inner])
  if (denied !== undefined) return { refusal: `the forwarding target ${denied}` }
  const at = local ? undefined : address
  if (!hasPort(forwardTo, inner, at)) {
    const wanted = `${formatPort(inner)}${at === undefined ? '' : `@${formatAddress(at)}`}`
    return { refusal: `the forwarding target ${wanted} is not in Forward_To` }
  }
  if (at !== undefined && at.family !== source.family) {
    return { refusal: `connections over IPv${source.family} cannot be forwarded to ${formatAddress(at)}` }
  }
  return { address: at, port }
}

/** Returns true if an address belongs to this machine, under any of its names. */
function isHere(address: Address, destination: Address, isOwn: Asked['isOwn']): boolean {
  if (isLoopback(address) || isUnspecified(address) || isShared(address)) return true
  return sameAddress(address, destination) || isOwn(address)
}

/**
 * Returns true if a signature by the key with this fingerprint counts. The fingerprint is in hexadecimal digits, as in
 * gpg's status lines.
 */
export function isSigner({ ids, fingerprints }: GnupgSigners, fingerprint: string): boolean {
  const whole = fingerprint.toUpperCase()
  if (whole.length !== FINGERPRINT_CHARS) return false
  return (fingerprints.length > 0 ? fingerprints : ids).some((id) => whole.endsWith(id))
}
