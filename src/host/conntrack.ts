import { NETLINK_NETFILTER, dumpTable } from '../native/netlink-dump.ts'
import { FAMILIES, formatAddress } from '../packet/address.ts'
import type { Address, Family } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { AF, addressBytes, addressIn } from './network-bytes.ts'
import { attribute, findAttribute, findInside, nested, port, word } from './netlink-attribute.ts'

/** Constants of `<linux/netfilter/nfnetlink.h>` and `<linux/netfilter/nfnetlink_conntrack.h>`. */
const CT_GET = (1 << 8) | 1
const FAMILY_HEADER = 4
const CTA_TUPLE_ORIG = 1
const CTA_TUPLE_REPLY = 2
const CTA_STATUS = 3
/** The bit of the status that tells of an answer (`<linux/netfilter/nf_conntrack_common.h>`). */
const IPS_SEEN_REPLY = 1 << 1
const CTA_PROTOINFO = 4
const CTA_FILTER = 25
const CTA_TUPLE_IP = 1
const CTA_TUPLE_PROTO = 2
const CTA_IP_SRC: Readonly<Record<Family, number>> = { 4: 1, 6: 3 }
const CTA_IP_DST: Readonly<Record<Family, number>> = { 4: 2, 6: 4 }
const CTA_PROTO_NUM = 1
const CTA_PROTO_SRC_PORT = 2
const CTA_PROTO_DST_PORT = 3
const CTA_PROTOINFO_TCP = 1
const CTA_PROTOINFO_TCP_STATE = 1
const CTA_PROTOINFO_TCP_FLAGS_ORIGINAL = 4
/** Flags of one direction (`<linux/netfilter/nf_conntrack_tcp.h>`): its SYN had window scaling; its windows are unknown. */
const IP_CT_TCP_FLAG_WINDOW_SCALE = 0x01
const IP_CT_TCP_FLAG_BE_LIBERAL = 0x08
const CTA_FILTER_ORIG_FLAGS = 1
const CTA_FILTER_REPLY_FLAGS = 2
/** The fields of the tuple that the kernel compares (`<net/netfilter/nf_internals.h>`, Linux 5.8). */
const COMPARE_IP_SRC = 1 << 0
const COMPARE_PROTO_NUM = 1 << 3
const COMPARE_DST_PORT = 1 << 5
/** States (`<linux/netfilter/nf_conntrack_tcp.h>`): both ends have agreed, and one end has closed. */
const TCP_CONNTRACK_ESTABLISHED = 3
const TCP_CONNTRACK_CLOSE_WAIT = 5
/** The most resumed connections that are returned, as many as the guard's sets hold. */
const RESUMED_MAX = 65_536

/** An established TCP connection of connection tracking. */
export interface TrackedConnection {
  /** The client's address. */
  readonly source: Address
  /** The address that the client connected to, before any translation. */
  readonly destination: Address
  readonly port: number
  /** The address that answers. */
  readonly answering: Address
  readonly answeringPort: number
}

/** The filter that the kernel applies. Kernels before Linux 5.8 ignore it. */
export interface TrackedFilter {
  readonly family: Family
  /** The client's address. */
  readonly source?: Address | undefined
  /** The port that the client connected to. */
  readonly port?: number | undefined
}

/**
 * Asks ctnetlink for the established TCP connections of connection tracking. Those that match the filter are among the
 * results, with others if the kernel ignores it. False: the table changed meanwhile, and some may be missing.
 *
 * @throws NetlinkError if the kernel refuses the request
 */
export async function trackedConnections(
  filter: TrackedFilter,
  each: (connection: TrackedConnection) => void,
): Promise<boolean> {
  const { family } = filter
  return await dumpTable(NETLINK_NETFILTER, CT_GET, requestOf(filter), (view, start, end) => {
    const connection = connectionIn(view, start + FAMILY_HEADER, end, family)
    if (connection !== undefined) each(connection)
  })
}

/** The names of TCP's states in /proc/net/nf_conntrack, by number (`<linux/netfilter/nf_conntrack_tcp.h>`). */
const STATES = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
]

/**
 * Asks ctnetlink for all TCP and UDP flows to some ports, as lines of /proc/net/nf_conntrack, which only root can read.
 *
 * @param isWanted tells the ports that clients sent to
 * @throws NetlinkError if the kernel refuses the request
 */
export async function trackedLines(isWanted: (port: number) => boolean): Promise<string> {
  const lines: string[] = []
  for (const family of FAMILIES) {
    await dumpTable(NETLINK_NETFILTER, CT_GET, Buffer.from([AF[family], 0, 0, 0]), (view, start, end) => {
      const line = lineIn(view, start + FAMILY_HEADER, end, family, isWanted)
      if (line !== undefined) lines.push(line)
    })
  }
  return lines.join('')
}

/** A TCP connection of which connection tracking did not see the beginning. */
export interface ResumedConnection {
  /** The end that sent the first packet that was tracked. */
  readonly source: Address
  readonly sourcePort: number
  readonly destination: Address
  readonly destinationPort: number
  /** True if the other end has sent packets since. */
  readonly replied: boolean
}

/**
 * Asks ctnetlink for TCP connections that connection tracking knows only from their middle on, up to
 * {@link RESUMED_MAX}.
 *
 * @param isWanted tells the ports from which the first tracked packets came
 * @throws NetlinkError if the kernel refuses the request
 */
export async function resumedConnections(isWanted: (port: number) => boolean): Promise<readonly ResumedConnection[]> {
  const all: ResumedConnection[] = []
  for (const family of FAMILIES) {
    await dumpTable(NETLINK_NETFILTER, CT_GET, Buffer.from([AF[family], 0, 0, 0]), (view, start, end) => {
      if (all.length >= RESUMED_MAX) return
      const resumed = resumedIn(view, start + FAMILY_HEADER, end, family, isWanted)
      if (resumed !== undefined) all.push(resumed)
    })
  }
  return all
}

function resumedIn(
  view: DataView,
  start: number,
  end: number,
  family: Family,
  isWanted: (port: number) => boolean,
): ResumedConnection | undefined {
  const original = findAttribute(view, start, end, CTA_TUPLE_ORIG)
  const sourcePort = portAt(view, original, CTA_PROTO_SRC_PORT)
  const state = stateIn(view, start, end)
  if (!isWanted(sourcePort) || state < TCP_CONNTRACK_ESTABLISHED || state > TCP_CONNTRACK_CLOSE_WAIT) return undefined
  const flags = tcpByteIn(view, start, end, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL)
  // A flow table sets the second flag for all its connections, but the first one can only come from a SYN.
  if ((flags & (IP_CT_TCP_FLAG_WINDOW_SCALE | IP_CT_TCP_FLAG_BE_LIBERAL)) !== IP_CT_TCP_FLAG_BE_LIBERAL)
    return undefined
  const source = addressAt(view, original, CTA_IP_SRC[family], family)
  const destination = addressAt(view, original, CTA_IP_DST[family], family)
  if (source === undefined || destination === undefined) return undefined
  const destinationPort = portAt(view, original, CTA_PROTO_DST_PORT)
  return { source, sourcePort, destination, destinationPort, replied: isReplied(view, start, end) }
}

function lineIn(
  view: DataView,
  start: number,
  end: number,
  family: Family,
  isWanted: (port: number) => boolean,
): string | undefined {
  const original = findAttribute(view, start, end, CTA_TUPLE_ORIG)
  const reply = findAttribute(view, start, end, CTA_TUPLE_REPLY)
  if (original < 0 || reply < 0 || !isWanted(portAt(view, original, CTA_PROTO_DST_PORT))) return undefined
  const number = findInside(view, findInside(view, original, CTA_TUPLE_PROTO), CTA_PROTO_NUM)
  const protocol = number < 0 ? 0 : view.getUint8(number)
  const name = protocol === TCP ? `tcp 6 0 ${STATES[stateIn(view, start, end)] ?? 'NONE'}` : 'udp 17 0'
  const [there, back] = [original, reply].map((tuple) => {
    const [source, destination] = [CTA_IP_SRC, CTA_IP_DST].map((type) => addressAt(view, tuple, type[family], family))
    if (source === undefined || destination === undefined) return undefined
    const ports = `sport=${portAt(view, tuple, CTA_PROTO_SRC_PORT)} dport=${portAt(view, tuple, CTA_PROTO_DST_PORT)}`
    return `src=${formatAddress(source)} dst=${formatAddress(destination)} ${ports}`
  })
  if (there === undefined || back === undefined || (protocol !== TCP && protocol !== UDP)) return undefined
  return `ipv${family} 0 ${name} ${there} ${isReplied(view, start, end) ? '' : '[UNREPLIED] '}${back} \n`
}

function requestOf({ family, source, port: to }: TrackedFilter): Buffer {
  const ip = source === undefined ? [] : [nested(CTA_TUPLE_IP, attribute(CTA_IP_SRC[family], addressBytes(source)))]
  const ports = to === undefined ? [] : [attribute(CTA_PROTO_DST_PORT, port(to))]
  const tuple = nested(
    CTA_TUPLE_ORIG,
    ...ip,
    nested(CTA_TUPLE_PROTO, attribute(CTA_PROTO_NUM, Uint8Array.of(TCP)), ...ports),
  )
  const compare =
    COMPARE_PROTO_NUM | (source === undefined ? 0 : COMPARE_IP_SRC) | (to === undefined ? 0 : COMPARE_DST_PORT)
  const flags = nested(
    CTA_FILTER,
    attribute(CTA_FILTER_ORIG_FLAGS, word(compare)),
    attribute(CTA_FILTER_REPLY_FLAGS, word(0)),
  )
  return Buffer.concat([Uint8Array.of(AF[family], 0, 0, 0), tuple, flags])
}

/** Reads a connection; `undefined`: not an established TCP connection, or incomplete. */
function connectionIn(view: DataView, start: number, end: number, family: Family): TrackedConnection | undefined {
  if (stateIn(view, start, end) !== TCP_CONNTRACK_ESTABLISHED) return undefined
  const original = findAttribute(view, start, end, CTA_TUPLE_ORIG)
  const reply = findAttribute(view, start, end, CTA_TUPLE_REPLY)
  if (original < 0 || reply < 0) return undefined
  const source = addressAt(view, original, CTA_IP_SRC[family], family)
  const destination = addressAt(view, original, CTA_IP_DST[family], family)
  const answering = addressAt(view, reply, CTA_IP_SRC[family], family)
  const to = portAt(view, original, CTA_PROTO_DST_PORT)
  const answeringPort = portAt(view, reply, CTA_PROTO_SRC_PORT)
  if (source === undefined || destination === undefined || answering === undefined) return undefined
  return { source, destination, port: to, answering, answeringPort }
}

/** Returns the state of a TCP connection; -1: it has no state. */
function stateIn(view: DataView, start: number, end: number): number {
  return tcpByteIn(view, start, end, CTA_PROTOINFO_TCP_STATE)
}

/** Returns the first byte of an attribute about TCP; -1: it has none. */
function tcpByteIn(view: DataView, start: number, end: number, type: number): number {
  const info = findAttribute(view, start, end, CTA_PROTOINFO)
  const at = findInside(view, findInside(view, info, CTA_PROTOINFO_TCP), type)
  return at < 0 ? -1 : view.getUint8(at)
}

function isReplied(view: DataView, start: number, end: number): boolean {
  const status = findAttribute(view, start, end, CTA_STATUS)
  return status >= 0 && (view.getUint32(status) & IPS_SEEN_REPLY) !== 0
}

function addressAt(view: DataView, tuple: number, type: number, family: Family): Address | undefined {
  const at = findInside(view, findInside(view, tuple, CTA_TUPLE_IP), type)
  return at < 0 ? undefined : addressIn(view, at, family)
}

function portAt(view: DataView, tuple: number, type: number): number {
  const at = findInside(view, findInside(view, tuple, CTA_TUPLE_PROTO), type)
  return at < 0 ? -1 : view.getUint16(at)
}
