import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { OPENING_FLAGS } from '../gate/terms.ts'
import type { FlagTest } from '../config/config.ts'
import type { Needs } from './needs.ts'

/** Addresses that the kernel compares with; with more, it is left to the gate. */
export const FILTER_ADDRESSES_MAX = 64
/** Ports that are left out by name for their traffic. */
export const BUSY_PORTS_MAX = 64
/** One port in this many is a decoy: it is seen though nobody knocks at it, so that a UDP scan is. */
export const DECOY_CLASSES = 16
/** A UDP header (RFC 768), which its length field counts too. */
const UDP_HEADER_BYTES = 8
/** Link types whose frames may have a VLAN tag: Ethernet. */
const ETHERNET = 1
/** IPv6 next headers behind which TCP or UDP may follow (IANA): looked into by the decoder, not by the kernel. */
const EXTENSION_HEADERS = [0, 43, 44, 51, 60, 135, 139, 140]

/** What a filter lets through. */
export interface FilterTerms {
  readonly needs: Needs
  /** The host's own addresses. */
  readonly own: readonly Address[]
  /** A secret number below {@link DECOY_CLASSES}. */
  readonly decoy: number
  /** Ports with much traffic. One that is knocked at, perhaps since a moment ago only, is let through all the same. */
  readonly busyTcp: ReadonlySet<number>
  readonly busyUdp: ReadonlySet<number>
  readonly onlyIp4: boolean
}

/** What of {@link FilterTerms} a packet is judged by, apart from where it was sent. */
export type PacketTerms = Pick<FilterTerms, 'needs' | 'decoy' | 'busyTcp' | 'busyUdp'>

/**
 * Whether the kernel's filter lets a packet through, whatever address it was sent to: the same said in user space, for
 * packets that no kernel filtered.
 */
export function passes({ needs, decoy, busyTcp, busyUdp }: PacketTerms, { protocol, port, flags }: Packet): boolean {
  if (protocol === TCP) {
    if (busyTcp.has(port) && !needs.tcpPorts.has(port)) return false
    if ((flags & OPENING_FLAGS.mask) === OPENING_FLAGS.want) return true
    return needs.flagged.some(({ test, ports }) => (flags & test.mask) === test.want && ports.has(port))
  }
  if (needs.udpPorts.size === 0) return false
  if (needs.udpPorts.has(port)) return true
  return !busyUdp.has(port) && (port & (DECOY_CLASSES - 1)) === decoy
}

/** Where the fields of a packet stand, as pcap-filter(7) has it. */
interface Offsets {
  readonly tcpPort: string
  readonly tcpFlags: string
  readonly udpPort: string
  readonly udpLength: string
}

const IP4: Offsets = { tcpPort: 'tcp[2:2]', tcpFlags: 'tcp[13]', udpPort: 'udp[2:2]', udpLength: 'udp[4:2]' }
const IP6: Offsets = { tcpPort: 'ip6[42:2]', tcpFlags: 'ip6[53]', udpPort: 'ip6[42:2]', udpLength: 'ip6[44:2]' }

/**
 * The kernel's filter as a pcap-filter(7) expression. Its length depends on neither the number of doors nor that of
 * their ports: sets of ports are sketches of three words, which let every port of the set through and a few others.
 */
export function filterExpression(terms: FilterTerms, linkType: number): string {
  const { needs, own, onlyIp4 } = terms
  const addresses = [...own, ...needs.targets]
  const families = [`(ip and ${destinations(addresses, 4)} and (${packets(terms, IP4, 'tcp', 'udp')}))`]
  if (!onlyIp4) {
    const bare = packets(terms, IP6, 'ip6[6] = 6', 'ip6[6] = 17')
    const extended = EXTENSION_HEADERS.map((header) => `ip6[6] = ${header}`).join(' or ')
    families.push(`(ip6 and ${destinations(addresses, 6)} and (${bare} or ${extended}))`)
  }
  const any = families.join(' or ')
  if (linkType !== ETHERNET) return any
  // Each `vlan` moves what is behind it by one tag.
  return `${any} or (vlan and (${any} or (vlan and (${any}))))`
}

function destinations(addresses: readonly Address[], family: 4 | 6): string {
  const mine = addresses.filter((address) => address.family === family)
  const local = family === 4 ? 'dst net 127.0.0.0/8' : 'dst host ::1'
  if (mine.length > FILTER_ADDRESSES_MAX) return '(ip or ip6)'
  return `(${[local, ...mine.map((address) => `dst host ${formatAddress(address)}`)].join(' or ')})`
}

function packets(terms: FilterTerms, at: Offsets, tcp: string, udp: string): string {
  const { needs } = terms
  const notBusy = except(at.tcpPort, terms.busyTcp, needs.tcpPorts)
  const kinds = [`(${tcp} and ${flagTest(at, OPENING_FLAGS)}${notBusy})`]
  for (const { test, ports } of needs.flagged) {
    kinds.push(`(${tcp} and ${flagTest(at, test)} and ${sketch(at.tcpPort, ports)}${notBusy})`)
  }
  if (needs.udpPorts.size > 0) {
    const decoys = `${at.udpPort} & ${DECOY_CLASSES - 1} = ${terms.decoy}`
    kinds.push(
      `(${udp} and (${sketch(at.udpPort, needs.udpPorts)} or ${decoys})${except(at.udpPort, terms.busyUdp, needs.udpPorts)})`,
    )
  }
  for (const { first, last } of needs.datagrams) {
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
    .slice(0, BUSY_PORTS_MAX)
    .map((port) => ` and ${field} != ${port}`)
    .join('')
}

/**
 * Whether a field is in a set of ports, as far as three of its five-bit groups tell. The constant stands first in the
 * shift's distance: libpcap 1.10 takes the first number there, an offset else, for the distance, and refuses one over 31.
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
