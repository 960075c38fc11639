import { quote } from '../../config/fault.ts'
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

/** Digits of a fingerprint that end in its key id (RFC 4880, 12.2). */
const FINGERPRINT_CHARS = 40
/** How a packet came. */
export interface Asked {
  /** Where it came from, and which address it was sent to. */
  readonly source: Address
  readonly destination: Address
  /** Milliseconds since 1970. */
  readonly now: number
  /** Furthest that the packet's time may be from now, either way, in milliseconds; `undefined`: any. */
  readonly maxAgeMs: number | undefined
  /** Whether an address is one of this machine's at the moment, or of the hosts on its links together. */
  readonly isOwn: (address: Address) => boolean
  /** The door's Forward_To: where connections may be sent on to; empty: nowhere. */
  readonly forwardTo: readonly Service[]
}

/** Where connections are sent on to. */
export interface Sent {
  /** Another host; `undefined`: this machine, at the address that is connected to. */
  readonly address: Address | undefined
  readonly port: number
}

/** What a packet is granted; or why it is not, for the log. */
export type Grant =
  | {
      readonly kind: 'access'
      /** Whom to open for. */
      readonly address: Address
      /** At least one; where `nat` is there, exactly one: fwknopd forwards no other. */
      readonly ports: readonly Port[]
      /** Seconds until it closes; 0 only for a command cycle that nothing closes. */
      readonly openS: number
      /** Where connections from that address to the port are sent on to; `address` is the packet's own then. */
      readonly nat: Sent | undefined
    }
  | { readonly kind: 'command'; readonly address: Address; readonly command: string }
  | { readonly refusal: string }

type Access = Extract<Request, { kind: 'access' }>

/** Whether a stanza is for packets that come from and go to these addresses. */
export function matches({ sources, destinations }: Stanza, source: Address, destination: Address): boolean {
  return isIn(sources, source) && isIn(destinations, destination)
}

function isIn(networks: readonly Network[], address: Address): boolean {
  return networks.length === 0 || networks.some((network) => contains(network, address))
}

/**
 * Whether a stanza allows what a packet asks for that its keys have opened. These are fwknopd's checks, but for replay, and
 * three that it leaves out: where connections are sent on to is looked at, and whose they are ({@link natOf}); a command cycle
 * opens no other ports than an opening does; and hosts are addresses.
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

/** What speaks against a packet, whatever it asks for. */
function refusalOf(stanza: Stanza, spa: Spa, asked: Asked): string | undefined {
  const { requireUsername, expiresMs } = stanza
  if (!isIn(stanza.sources, asked.source)) return 'it comes from none of the addresses in SOURCE'
  if (!isIn(stanza.destinations, asked.destination)) return 'it was sent to none of the addresses in DESTINATION'
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

/** Why ports may not be asked for; `undefined`: they may. */
function deniedPort({ openPorts, restrictPorts }: Stanza, ports: readonly Port[]): string | undefined {
  const restricted = ports.find((port) => includes(restrictPorts, port))
  if (restricted !== undefined) return `${formatPort(restricted)} is in RESTRICT_PORTS`
  const other = openPorts === undefined ? undefined : ports.find((port) => !includes(openPorts, port))
  return other === undefined ? undefined : `${formatPort(other)} is not in OPEN_PORTS`
}

function includes(ports: readonly Port[], { protocol, port }: Port): boolean {
  return ports.some((one) => one.protocol === protocol && one.port === port)
}

/** What the client says, up to the stanza's limit; where it says nothing, what the stanza does, which has no limit. */
function openTime({ accessTimeoutS, maxTimeoutS = TIMEOUT_MAX_S, cycle }: Stanza, timeoutS: number): number {
  if (cycle !== undefined && cycle.close === undefined) return 0
  return timeoutS === 0 ? (cycle?.timerS ?? accessTimeoutS) : Math.min(timeoutS, maxTimeoutS)
}

/**
 * Where a port is sent on to, if it is: what the door's Forward_To, the stanza and the packet all allow. fwknopd looks at
 * the port outside alone, and has no list of where connections may go.
 */
function natOf(
  stanza: Stanza,
  { ports, nat }: Access,
  claimed: Address,
  { source, destination, isOwn, forwardTo }: Asked,
): Sent | { readonly refusal: string } | undefined {
  // A command cycle sends nothing on, whatever FORCE_NAT says beside it.
  const target = stanza.cycle === undefined ? (stanza.forceNat ?? nat) : nat
  if (target === undefined) return undefined
  if (stanza.cycle !== undefined) return { refusal: 'it asks to be sent on, and the stanza has a command cycle' }
  if (!sameAddress(claimed, source)) return { refusal: 'only connections from the address it comes from are sent on' }
  if (forwardTo.length === 0) {
    const asks = stanza.forceNat === undefined ? 'it asks to be sent on' : 'the stanza has FORCE_NAT'
    return { refusal: `${asks}, and the door does not have Forward_To` }
  }
  const { host, port } = target
  const address = parseAddress(host)
  // An IPv4 address in an IPv6 one would be the same machine by another name.
  if (address === undefined || isMapped(address)) return { refusal: 'the host to send it on to is not an address' }
  const local = isHere(address, destination, isOwn)
  const forced = stanza.forceNat !== undefined
  if (!forced && nat?.local === true && !local) {
    return { refusal: 'it asks for a port of this machine at another address' }
  }
  const inner = { protocol: ports[0]!.protocol, port }
  const denied = forced ? undefined : deniedPort(stanza, [inner])
  if (denied !== undefined) return { refusal: `${denied}, and would be sent on to` }
  const at = local ? undefined : address
  if (!hasPort(forwardTo, inner, at)) {
    const wanted = `${formatPort(inner)}${at === undefined ? '' : `@${formatAddress(at)}`}`
    return { refusal: `${wanted} is not in Forward_To, and would be sent on to` }
  }
  if (at !== undefined && at.family !== source.family) {
    return { refusal: `connections over IPv${source.family} cannot be sent on to ${formatAddress(at)}` }
  }
  return { address: at, port }
}

/** Whether an address is this machine's, by whichever name. */
function isHere(address: Address, destination: Address, isOwn: Asked['isOwn']): boolean {
  if (isLoopback(address) || isUnspecified(address) || isShared(address)) return true
  return sameAddress(address, destination) || isOwn(address)
}

/** Whether a signature by the key with this fingerprint counts; in hexadecimal digits, as gpg's status lines have it. */
export function isSigner({ ids, fingerprints }: GnupgSigners, fingerprint: string): boolean {
  const whole = fingerprint.toUpperCase()
  if (whole.length !== FINGERPRINT_CHARS) return false
  return (fingerprints.length > 0 ? fingerprints : ids).some((id) => whole.endsWith(id))
}
