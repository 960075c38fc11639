import type { Address } from '../../packet/address.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import type { Port } from '../fwknop/request.ts'
import { readTimestamp, TIMESTAMP_BYTES, timestampBytes } from './timestamp.ts'
import type { Timestamp } from './timestamp.ts'

/** Bytes of a claim, whatever it says: what is not needed is zero. */
export const CLAIM_BYTES = 176
/** Longest name of a door in a claim, in bytes of UTF-8. */
export const CLAIM_DOOR_MAX_BYTES = 127
/** Most ports a claim can name. */
export const CLAIM_PORTS_MAX = 32
/** Longest time a claim can ask for, in seconds: a day. */
export const CLAIM_OPEN_MAX_S = 86_400

// Where each field stands.
const FAMILY_AT = TIMESTAMP_BYTES
const ADDRESS_AT = FAMILY_AT + 1
const ADDRESS_BYTES = 16
const OPEN_AT = ADDRESS_AT + ADDRESS_BYTES
const KIND_AT = OPEN_AT + 4
const COUNT_AT = KIND_AT + 1
const LIST_AT = COUNT_AT + 1
const PORT_BYTES = 3

/** Values of the byte that says whom to open for: a family, or 0 for the packet's own source. */
const FROM_PACKET = 0
/** Values of the byte that says what is asked for. */
const DOOR = 1
const PORTS = 2

/** What is asked for: a door by its name, or ports. */
export type Wanted =
  | { readonly kind: 'door'; readonly door: string }
  /** At least one. */
  | { readonly kind: 'ports'; readonly ports: readonly Port[] }

/** What a packet of ours says, without its time. */
export interface Claim {
  readonly wanted: Wanted
  /** Whom to open for; `undefined`: wherever the packet comes from. */
  readonly address: Address | undefined
  /** Seconds the door should be open; 0: as the server has it. */
  readonly openS: number
}

/** A claim as it was read. */
export interface DatedClaim extends Claim {
  readonly timestamp: Timestamp
  /** The same in milliseconds since 1970, whole or not. */
  readonly unixMs: number
}

/** A claim as bytes; `unixMs` is the time it is made. What is wrong with it as a text, where it cannot be said. */
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
  if (address !== undefined && isMapped(address)) return { fault: 'an IPv4 address is claimed as one' }
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

/** Reads a claim. There is one encoding of each: whatever differs from it has a fault. */
export function decodeClaim(bytes: Uint8Array): DatedClaim | { readonly fault: string } {
  if (bytes.length !== CLAIM_BYTES) return { fault: 'the claim has a length that it cannot have' }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const time = readTimestamp(bytes.subarray(0, TIMESTAMP_BYTES))
  if (time === undefined) return { fault: 'invalid time' }
  const address = readAddress(view)
  if (address === 'none') return { fault: 'invalid address' }
  const openS = view.getUint32(OPEN_AT)
  if (openS > CLAIM_OPEN_MAX_S) return { fault: 'the open time is out of range' }
  const kind = bytes[KIND_AT]
  const count = bytes[COUNT_AT]!
  if (kind !== DOOR && kind !== PORTS) return { fault: 'it asks for nothing that there is' }
  if (count === 0 || count > (kind === DOOR ? CLAIM_DOOR_MAX_BYTES : CLAIM_PORTS_MAX)) {
    return { fault: 'it asks for too little or too much' }
  }
  const end = LIST_AT + (kind === DOOR ? count : count * PORT_BYTES)
  if (!isZero(bytes.subarray(end))) return { fault: 'there is something behind its end' }
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

/** ::ffff:0:0/96 (RFC 4291, 2.5.5.2): an IPv4 address said another way. */
function isMapped({ a, b, c }: Pick<Address, 'a' | 'b' | 'c'>): boolean {
  return a === 0 && b === 0 && c === 0xffff
}

function readDoor(list: Uint8Array): Wanted | undefined {
  try {
    const door = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(list)
    // A name that is written to a log must not bring lines of its own.
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
