import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { ICMP, TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { OPENING_FLAGS } from '../config/flags.ts'
import type { FlagTest } from '../config/config.ts'
import { OWN_PING_BYTES } from '../config/ping-sizes.ts'
import { isKnockedDatagram } from './interest.ts'
import type { CaptureInterest } from './interest.ts'

/** The most addresses in the kernel's filter. With more, the gate compares addresses instead. */
export const FILTER_ADDRESSES_MAX = 64
/** The most busy ports that the filter excludes. */
export const BUSY_PORTS_MAX = 64
/** One port in this many is a decoy. Decoys are captured without being knocked at, so that UDP scans are noticed. */
export const DECOY_CLASSES = 16
/** The length of a UDP header (RFC 768), which the UDP length field includes. */
const UDP_HEADER_BYTES = 8
/** The length of an echo request's header (RFC 792, RFC 4443). */
const ECHO_HEADER_BYTES = 8
/** The link type whose frames may have a VLAN tag: Ethernet. */
const ETHERNET = 1
/** IPv6 next headers that may precede TCP, UDP or ICMPv6 (IANA). The decoder examines them, not the kernel. */
const EXTENSION_HEADERS = [0, 43, 44, 51, 60, 135, 139, 140]

/** The conditions of a filter. */
export interface FilterTerms {
  readonly interest: CaptureInterest
  /** The host's addresses. */
  readonly local: readonly Address[]
  /** A secret number below {@link DECOY_CLASSES}. */
  readonly decoy: number
  /**
   * Ports with much traffic, and sizes of many pings. A knock's port or size is always accepted, even if it became one
   * only just now.
   */
  readonly busyTcp: ReadonlySet<number>
  readonly busyUdp: ReadonlySet<number>
  readonly busyPings: ReadonlySet<number>
  readonly onlyIp4: boolean
}

/** The conditions of {@link FilterTerms} except the destination address. */
export type PacketTerms = Pick<FilterTerms, 'interest' | 'decoy' | 'busyTcp' | 'busyUdp' | 'busyPings'>

/**
 * Returns true if the kernel's filter accepts a packet, ignoring its destination address. It is for packets that no
 * kernel has filtered.
 */
export function passes({ interest, decoy, busyTcp, busyUdp, busyPings }: PacketTerms, packet: Packet): boolean {
  const { protocol, port, size, flags } = packet
  if (protocol === TCP) {
    if (busyTcp.has(port) && !interest.tcpPorts.has(port)) return false
    if ((flags & OPENING_FLAGS.mask) === OPENING_FLAGS.want) return true
    return interest.flagged.some(({ test, ports }) => (flags & test.mask) === test.want && ports.has(port))
  }
  if (protocol === ICMP) {
    if (interest.pingSizes.size === 0) return false
    return interest.pingSizes.has(size) || !(OWN_PING_BYTES.has(size) || busyPings.has(size))
  }
  if (interest.udpPorts.size + interest.sizedPorts.size === 0) return false
  if (isKnockedDatagram(interest, packet)) return true
  return !busyUdp.has(port) && (port & (DECOY_CLASSES - 1)) === decoy
}

/** The positions of fields in a packet, in the syntax of pcap-filter(7). */
interface Offsets {
  readonly tcpPort: string
  readonly tcpFlags: string
  readonly udpPort: string
  readonly udpLength: string
  /** The test for an echo request, and the length of its header and payload. */
  readonly ping: string
  readonly pingLength: string
}

const IP4: Offsets = {
  tcpPort: 'tcp[2:2]',
  tcpFlags: 'tcp[13]',
  udpPort: 'udp[2:2]',
  udpLength: 'udp[4:2]',
  ping: 'icmp[0] = 8',
  pingLength: '(ip[2:2] - ((ip[0] & 15) << 2))',
}
const IP6: Offsets = {
  tcpPort: 'ip6[42:2]',
  tcpFlags: 'ip6[53]',
  udpPort: 'ip6[42:2]',
  udpLength: 'ip6[44:2]',
  ping: 'ip6[6] = 58 and ip6[40] = 128',
  pingLength: 'ip6[4:2]',
}

/**
 * Builds the kernel's filter as a pcap-filter(7) expression. Its length does not depend on the number of doors or
 * ports. Sets of ports are sketches of three words, which accept all ports of the set and a few others. Where pings are
 * knocks, nearly all sizes are accepted, as TCP's first packets are: a scan of sizes shows itself by the wrong ones. The
 * sizes that programs send by themselves, and those of many pings, are not.
 */
export function filterExpression(terms: FilterTerms, linkType: number): string {
  const { interest, local, onlyIp4 } = terms
  const addresses = [...local, ...interest.targets]
  const families = [`(ip and ${destinations(addresses, 4)} and (${packets(terms, IP4, 'tcp', 'udp')}))`]
  if (!onlyIp4) {
    const bare = packets(terms, IP6, 'ip6[6] = 6', 'ip6[6] = 17')
    const extended = EXTENSION_HEADERS.map((header) => `ip6[6] = ${header}`).join(' or ')
    families.push(`(ip6 and ${destinations(addresses, 6)} and (${bare} or ${extended}))`)
  }
  const any = families.join(' or ')
  if (linkType !== ETHERNET) return any
  // Each `vlan` moves the following offsets by one tag.
  return `${any} or (vlan and (${any} or (vlan and (${any}))))`
}

function destinations(addresses: readonly Address[], family: 4 | 6): string {
  const mine = addresses.filter((address) => address.family === family)
  const local = family === 4 ? 'dst net 127.0.0.0/8' : 'dst host ::1'
  if (mine.length > FILTER_ADDRESSES_MAX) return '(ip or ip6)'
  return `(${[local, ...mine.map((address) => `dst host ${formatAddress(address)}`)].join(' or ')})`
}

function packets(terms: FilterTerms, at: Offsets, tcp: string, udp: string): string {
  const { interest } = terms
  const notBusy = except(at.tcpPort, terms.busyTcp, interest.tcpPorts)
  const kinds = [`(${tcp} and ${flagTest(at, OPENING_FLAGS)}${notBusy})`]
  for (const { test, ports } of interest.flagged) {
    kinds.push(`(${tcp} and ${flagTest(at, test)} and ${sketch(at.tcpPort, ports)}${notBusy})`)
  }
  if (interest.pingSizes.size > 0) {
    const unwanted = new Set([...OWN_PING_BYTES.keys(), ...terms.busyPings].map((size) => ECHO_HEADER_BYTES + size))
    const wanted = new Set([...interest.pingSizes].map((size) => ECHO_HEADER_BYTES + size))
    kinds.push(`(${at.ping}${except(at.pingLength, unwanted, wanted)})`)
  }
  if (interest.sizedPorts.size > 0) {
    const lengths = new Set([...interest.sizes].map((size) => UDP_HEADER_BYTES + size))
    kinds.push(`(${udp} and ${sketch(at.udpPort, interest.sizedPorts)} and ${sketch(at.udpLength, lengths)})`)
  }
  if (interest.udpPorts.size + interest.sizedPorts.size > 0) {
    const ports = interest.udpPorts.size > 0 ? `${sketch(at.udpPort, interest.udpPorts)} or ` : ''
    const decoys = `${at.udpPort} & ${DECOY_CLASSES - 1} = ${terms.decoy}`
    kinds.push(`(${udp} and (${ports}${decoys})${except(at.udpPort, terms.busyUdp, interest.udpPorts)})`)
  }
  for (const { first, last } of interest.datagrams) {
    const from = `${at.udpLength} >= ${UDP_HEADER_BYTES + first}`
    kinds.push(`(${udp} and ${from} and ${at.udpLength} <= ${UDP_HEADER_BYTES + last})`)
  }
  return kinds.join(' or ')
}

function flagTest(at: Offsets, { mask, want }: FlagTest): string {
  return `${at.tcpFlags} & ${mask} = ${want}`
}

function except(field: string, busy: ReadonlySet<number>, needed: ReadonlySet<number>): string {
  return [...busy]
    .filter((port) => !needed.has(port))
    .slice(0, BUSY_PORTS_MAX + OWN_PING_BYTES.size)
    .map((port) => ` and ${field} != ${port}`)
    .join('')
}

/**
 * Builds a test that accepts all ports of a set and a few others. It compares three five-bit groups of the port. The
 * constant comes first in the shift's distance: libpcap 1.10 takes the first number there for the distance. It does so
 * even if that is an offset, and refuses one over 31.
 */
function sketch(field: string, ports: ReadonlySet<number>): string {
  return [0, 5, 11]
    .map((shift) => {
      let word = 0
      for (const port of ports) word |= 1 << ((port >>> shift) & 31)
      return word === -1 ? '' : `(1 << (31 & (${field} >> ${shift}))) & ${word >>> 0} != 0`
    })
    .filter((test) => test !== '')
    .join(' and ')
    .replace(/^$/, `${field} > 0`)
}
