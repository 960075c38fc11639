import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import type { Port } from '../../spa/port.ts'
import { ACCESS, COMMAND, hasNat, LOCAL_NAT_ACCESS, NAT_ACCESS, TIMED_ACCESS } from './fields.ts'
import { TIMED_LOCAL_NAT_ACCESS, TIMED_NAT_ACCESS } from './fields.ts'
import type { Fields, MessageType } from './fields.ts'

export type { Port } from '../../spa/port.ts'

/** The maximum number of ports in a packet, which is all that fits into its message. */
export const PORTS_MAX = 32
/** The maximum length of the name of a host behind the server, in characters. */
const NAT_HOST_MAX_CHARS = 254

/** The target to which connections are forwarded. */
export interface NatTarget {
  /** The address or name that the client wrote. */
  readonly host: string
  readonly port: number
}

/** The request of a packet. */
export type Request = {
  /** The address to open for; `undefined` means the packet's own source (`0.0.0.0`, or `::`). */
  readonly address: Address | undefined
} & (
  | { readonly kind: 'command'; readonly command: string }
  | {
      readonly kind: 'access'
      /** The ports to open, at least one. */
      readonly ports: readonly Port[]
      /** The target of forwarding. `local` means another port of this host. */
      readonly nat: (NatTarget & { readonly local: boolean }) | undefined
      /** Seconds that the client wants the door open; 0 means the server's default. */
      readonly timeoutS: number
    }
)

/** Reads the request from the fields, or returns the fault in their text. */
export function readRequest({ type, message, nat, timeoutS }: Fields): Request | { readonly fault: string } {
  const comma = message.indexOf(',')
  const text = comma < 0 ? message : message.slice(0, comma)
  const rest = comma < 0 ? '' : message.slice(comma + 1)
  const parsed = parseAddress(text)
  if (parsed === undefined) return { fault: 'the message does not begin with an address' }
  const address = isUnspecified(parsed) ? undefined : parsed
  if (type === COMMAND) {
    return rest === '' ? { fault: 'the command is missing' } : { kind: 'command', address, command: rest }
  }
  const ports = readPorts(rest)
  if (ports === undefined) return { fault: 'the message does not name ports such as tcp/22' }
  if (!hasNat(type)) return { kind: 'access', address, ports, nat: undefined, timeoutS }
  const target = readNatTarget(nat ?? '')
  if (target === undefined) return { fault: 'the NAT field is not a host and a port' }
  return { kind: 'access', address, ports, nat: { ...target, local: isLocalNat(type) }, timeoutS }
}

/** Returns the message type and the fields of a request. */
export function writeRequest(request: Request): Pick<Fields, 'type' | 'message' | 'nat' | 'timeoutS'> {
  const address = request.address === undefined ? '0.0.0.0' : formatAddress(request.address)
  if (request.kind === 'command') {
    return { type: COMMAND, message: `${address},${request.command}`, nat: undefined, timeoutS: 0 }
  }
  const { ports, nat, timeoutS } = request
  const message = [address, ...ports.map(formatPort)].join(',')
  if (nat === undefined) return { type: timeoutS > 0 ? TIMED_ACCESS : ACCESS, message, nat, timeoutS }
  return { type: natType(nat.local, timeoutS > 0), message, nat: `${nat.host},${nat.port}`, timeoutS }
}

function natType(local: boolean, timed: boolean): MessageType {
  if (local) return timed ? TIMED_LOCAL_NAT_ACCESS : LOCAL_NAT_ACCESS
  return timed ? TIMED_NAT_ACCESS : NAT_ACCESS
}

function isLocalNat(type: MessageType): boolean {
  return type === LOCAL_NAT_ACCESS || type === TIMED_LOCAL_NAT_ACCESS
}

function isUnspecified({ a, b, c, d }: Address): boolean {
  return a === 0 && b === 0 && c === 0 && d === 0
}

/** Returns a port as fwknop writes it: `tcp/22`. */
export function formatPort({ protocol, port }: Port): string {
  return `${protocol === TCP ? 'tcp' : 'udp'}/${port}`
}

/** Reads one or more ports: `tcp/22,udp/53`. Returns `undefined` for any other text. */
export function readPorts(text: string): readonly Port[] | undefined {
  const words = text.split(',')
  if (words.length > PORTS_MAX) return undefined
  const ports: Port[] = []
  for (const word of words) {
    const match = /^(tcp|udp)\/([0-9]{1,5})$/i.exec(word)
    const port = Number(match?.[2])
    if (match === null || port < 1 || port > 65_535) return undefined
    ports.push({ protocol: match[1]!.toLowerCase() === 'tcp' ? TCP : UDP, port })
  }
  return ports
}

/** Reads an address or a name, and a port: `192.0.2.7,22`. Returns `undefined` for any other text. */
export function readNatTarget(text: string): NatTarget | undefined {
  const match = /^([A-Za-z0-9._:-]+),([0-9]{1,5})$/.exec(text)
  if (match === null || match[1]!.length > NAT_HOST_MAX_CHARS) return undefined
  const port = Number(match[2])
  return port < 1 || port > 65_535 ? undefined : { host: match[1]!, port }
}
