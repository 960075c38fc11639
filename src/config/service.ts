import { formatAddress, parseAddress, sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { ICMP, TCP, UDP } from '../packet/packet.ts'
import type { KnockProtocol, Protocol } from '../packet/packet.ts'
import { isLoopback, isMapped, isShared, isUnspecified } from '../packet/scope.ts'
import type { Service } from './config.ts'
import { PORT_MAX } from './sequence.ts'
import { quote } from '../text/fault.ts'
import { COMMENT_HINT, listOf, valueOf } from '../text/read.ts'
import type { Read, Reader } from '../text/read.ts'

/** Most ports and port ranges in one directive. */
export const SERVICES_MAX = 64

/** The form of a list of ports, for hints. */
export const SERVICES_FORM = 'PROTOCOL/PORT[-PORT][@ADDRESS][,…]'

/** Reads `tcp/22, udp/60000-61000, tcp/443@198.51.100.7`. */
export const readServices: Reader<readonly Service[]> = listOf(serviceIn, SERVICES_MAX, {
  message: 'too many ports',
  hint: `at most ${SERVICES_MAX} ports and ranges in one directive`,
})

/** Reads services, but refuses a loopback, unspecified, multicast or mapped address as host: it may be this machine. */
export const readTargets: Reader<readonly Service[]> = (text) => {
  const read = readServices(text)
  const own = valueOf(read)?.find(({ host }) => host !== undefined && isNoOtherHost(host))
  if (own === undefined) return read
  const hint = `write \`${formatService({ ...own, host: undefined })}\` for a port of this machine`
  return { message: `${formatAddress(own.host!)} is not the address of another host`, hint }
}

function isNoOtherHost(address: Address): boolean {
  return isLoopback(address) || isUnspecified(address) || isShared(address) || isMapped(address)
}

function serviceIn(word: string): Read<Service> {
  const match = /^(tcp|udp)\/([0-9]{1,5})(?:-([0-9]{1,5}))?(?:@(.+))?$/i.exec(word)
  if (match === null) {
    return { message: word === '' ? 'a port is missing' : `${quote(word)} is not a port`, hint: hintFor(word) }
  }
  const [, name = '', low = '', high = low, at] = match
  const first = Number(low)
  const last = Number(high)
  if (first < 1 || last > PORT_MAX || first > last) {
    const hint = first > last ? `write \`${name}/${last}-${first}\`` : `ports are 1 to ${PORT_MAX}`
    return { message: `${quote(word)} is not a range of ports`, hint }
  }
  const host = at === undefined ? undefined : parseAddress(at.replace(/^\[(.*)\]$/, '$1'))
  if (at !== undefined && host === undefined) {
    const hint = 'the host behind this one, as in `tcp/22@198.51.100.7`'
    return { message: `${quote(at)} is not an address`, hint }
  }
  return { value: { protocol: name.toLowerCase() === 'tcp' ? TCP : UDP, first, last, host } }
}

function hintFor(word: string): string {
  const turned = /^([0-9]{1,5})[/:](tcp|udp)$/i.exec(word)
  if (turned !== null) return `write \`${turned[2]!.toLowerCase()}/${turned[1]}\``
  const colon = /^(tcp|udp):([0-9-]+)$/i.exec(word)
  if (colon !== null) return `write \`${colon[1]!.toLowerCase()}/${colon[2]}\``
  if (/^[0-9]{1,5}$/.test(word)) return `write \`tcp/${word}\` or \`udp/${word}\``
  if (/\s#/.test(word)) return COMMENT_HINT
  return 'as in `tcp/22`, `udp/60000-61000` or `tcp/22@198.51.100.7`'
}

/** Returns true if a port is among the services: those of host `at`, or of this host if `at` is absent. */
export function hasPort(
  services: readonly Service[],
  { protocol, port }: { readonly protocol: Protocol; readonly port: number },
  at?: Address,
): boolean {
  return services.some(({ protocol: name, first, last, host }) => {
    if (name !== protocol || port < first || last < port) return false
    return host === undefined || at === undefined ? host === at : sameAddress(host, at)
  })
}

const NAMES = { [ICMP]: 'icmp', [TCP]: 'tcp', [UDP]: 'udp' } as const

/** Returns the protocol's name in lower case. */
export function protocolName<Of extends KnockProtocol>(protocol: Of): (typeof NAMES)[Of] {
  return NAMES[protocol]
}

/** Reads the text of one service; `undefined`: not a service. */
export function readService(text: string): Service | undefined {
  return valueOf(serviceIn(text))
}

/** Formats the ports of a service: `22`, `60000-61000`. */
export function portsText({ first, last }: Service, dash = '-'): string {
  return first === last ? String(first) : `${first}${dash}${last}`
}

/** Formats a service as {@link readServices} reads it. */
export function formatService(service: Service): string {
  const { protocol, host } = service
  return `${protocolName(protocol)}/${portsText(service)}${host === undefined ? '' : `@${formatAddress(host)}`}`
}
