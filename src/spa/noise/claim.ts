import type { Address } from '../../packet/address.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import type { Port } from '../port.ts'
import { readTimestamp, TIMESTAMP_BYTES, timestampBytes } from './timestamp.ts'
import type { Timestamp } from './timestamp.ts'

/** The size of a claim in bytes. Unused bytes are zero. */
export const CLAIM_BYTES = 176
/** The maximum length of a door's name in a claim, in bytes of UTF-8. */
export const CLAIM_DOOR_MAX_BYTES = 127
/** The maximum number of ports in a claim. */
export const CLAIM_PORTS_MAX = 32
/** The longest open time in a claim, in seconds: a day. */
export const CLAIM_OPEN_MAX_S = 86_400

// The offsets of the fields.
const FAMILY_AT = TIMESTAMP_BYTES
const ADDRESS_AT = FAMILY_AT + 1
const ADDRESS_BYTES = 16
const OPEN_AT = ADDRESS_AT + ADDRESS_BYTES
const KIND_AT = OPEN_AT + 4
const COUNT_AT = KIND_AT + 1
const LIST_AT = COUNT_AT + 1
const PORT_BYTES = 3

/** The value 0 of the byte for the address to open for. It means the packet's own source; other values are a family. */
const FROM_PACKET = 0
/** The values of the byte for the kind of request. */
const DOOR = 1
const PORTS = 2

/** The request: a door by its name, or ports. */
export type Wanted =
  | { readonly kind: 'door'; readonly door: string }
  /** At least one port is required. */
  | { readonly kind: 'ports'; readonly ports: readonly Port[] }

/** The contents of a packet in Postern's own format, without its time. */
export interface Claim {
  readonly wanted: Wanted
  /** The address to open for; `undefined` means the packet's own source. */
  readonly address: Address | undefined
  /** Seconds that the door should be open; 0 means the server's default. */
  readonly openS: number
}

/** A claim with its time. */
export interface DatedClaim extends Claim {
  readonly timestamp: Timestamp
  /** The same time in milliseconds since 1970, which may have a fraction. */
  readonly unixMs: number
}

/**
 * Encodes a claim, or returns the reason why it cannot be encoded.
 *
 * @param unixMs the time of the claim, in milliseconds since 1970
 */
export function encodeClaim(
  { wanted, address, openS }: Claim,
  unixMs: number,
): { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly fault: string } {
  if (!Number.isInteger(openS) || openS < 0 || openS > CLAIM_OPEN_MAX_S)
    return { fault: 'the open time is out of range' }
  const list = wanted.kind === 'door' ? new TextEncoder().encode(wanted.door) : portBytes(wanted.ports)
  const max = wanted.kind === 'door' ? CLAIM_DOOR_MAX_BYTES : CLAIM_PORTS_MAX * PORT_BYTES
  if (list.length === 0) return { fault: wanted.kind === 'door' ? 'the door has no name' : 'no port is named' }
  if (list.length > max) {
    return { fault: wanted.kind === 'door' ? 'the name of the door is too long' : 'too many ports are named' }
  }
  if (address !== undefined && isMapped(address)) return { fault: 'an IPv4 address is in IPv6 form' }
  const bytes = new Uint8Array(CLAIM_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(timestampBytes(unixMs))
  if (address !== undefined) {
    bytes[FAMILY_AT] = address.family
    const words = address.family === 4 ? [address.a] : [address.a, address.b, address.c, address.d]
    for (const [index, word] of words.entries()) view.setInt32(ADDRESS_AT + 4 * index, word)
  }
  view.setUint32(OPEN_AT, openS)
  bytes[KIND_AT] = wanted.kind === 'door' ? DOOR : PORTS
  bytes[COUNT_AT] = wanted.kind === 'door' ? list.length : list.length / PORT_BYTES
  bytes.set(list, LIST_AT)
  return { bytes }
}

function portBytes(ports: readonly Port[]): Uint8Array {
  const bytes = new Uint8Array(ports.length * PORT_BYTES)
  const view = new DataView(bytes.buffer)
  for (const [index, { protocol, port }] of ports.entries()) {
    bytes[index * PORT_BYTES] = protocol
    view.setUint16(index * PORT_BYTES + 1, port)
  }
  return bytes
}

/** Decodes a claim. Each claim has only one encoding, and any other is a fault. */
export function decodeClaim(bytes: Uint8Array): DatedClaim | { readonly fault: string } {
  if (bytes.length !== CLAIM_BYTES) return { fault: 'invalid length of the claim' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const time = readTimestamp(bytes.subarray(0, TIMESTAMP_BYTES))
  if (time === undefined) return { fault: 'invalid time' }
  const address = readAddress(view)
  if (address === 'none') return { fault: 'invalid address' }
  const openS = view.getUint32(OPEN_AT)
  if (openS > CLAIM_OPEN_MAX_S) return { fault: 'the open time is out of range' }
  const kind = bytes[KIND_AT]
  const count = bytes[COUNT_AT]!
  if (kind !== DOOR && kind !== PORTS) return { fault: 'unknown kind of request' }
  if (count === 0 || count > (kind === DOOR ? CLAIM_DOOR_MAX_BYTES : CLAIM_PORTS_MAX)) {
    return { fault: 'invalid length of the list' }
  }
  const end = LIST_AT + (kind === DOOR ? count : count * PORT_BYTES)
  if (!isZero(bytes.subarray(end))) return { fault: 'there are bytes after its end' }
  const list = bytes.subarray(LIST_AT, end)
  const wanted = kind === DOOR ? readDoor(list) : readPortList(list)
  if (wanted === undefined) return { fault: kind === DOOR ? 'invalid name of a door' : 'invalid port' }
  return { ...time, wanted, address, openS }
}

function readAddress(view: DataView): Address | undefined | 'none' {
  const family = view.getUint8(FAMILY_AT)
  const words = [0, 4, 8, 12].map((offset) => view.getInt32(ADDRESS_AT + offset))
  const [a = 0, b = 0, c = 0, d = 0] = words
  const unspecified = words.every((word) => word === 0)
  if (family === FROM_PACKET) return unspecified ? undefined : 'none'
  if (unspecified) return 'none'
  if (family === 6) return isMapped({ a, b, c }) ? 'none' : { family, a, b, c, d }
  return family === 4 && b === 0 && c === 0 && d === 0 ? { family, a, b, c, d } : 'none'
}

/** The prefix ::ffff:0:0/96 (RFC 4291, 2.5.5.2) is a second form of IPv4 addresses. */
function isMapped({ a, b, c }: Pick<Address, 'a' | 'b' | 'c'>): boolean {
  return a === 0 && b === 0 && c === 0xffff
}

function readDoor(list: Uint8Array): Wanted | undefined {
  try {
    const door = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(list)
    // A control character in the name could add lines to a log.
    return /\p{Cc}/u.test(door) ? undefined : { kind: 'door', door }
  } catch {
    return undefined
  }
}

function readPortList(list: Uint8Array): Wanted | undefined {
  const view = new DataView(list.buffer, list.byteOffset, list.length)
  const ports: Port[] = []
  for (let at = 0; at < list.length; at += PORT_BYTES) {
    const protocol = list[at]
    const port = view.getUint16(at + 1)
    if ((protocol !== TCP && protocol !== UDP) || port === 0) return undefined
    ports.push({ protocol, port })
  }
  return { kind: 'ports', ports }
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0)
}
