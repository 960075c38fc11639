import type { Service } from '../../config/config.ts'
import { parseAddress } from '../../packet/address.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import type { Protocol } from '../../packet/packet.ts'
import type { Kept } from './ruleset.ts'

/** An element in the listing of a table. */
export interface ListedElement {
  readonly set: string
  /** The key, with protocol numbers: `192.0.2.2 . 6 . 22`. */
  readonly key: string
  readonly data: string | undefined
  /** Milliseconds until the element expires. */
  readonly leftMs: number
}

/** Milliseconds in the time units of nft(8). */
const UNITS: Readonly<Record<string, number>> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** Returns the elements of all sets and maps in the output of `nft list table` with numeric protocols. */
export function listedElements(listing: string): readonly ListedElement[] {
  const elements: ListedElement[] = []
  for (const [, set = '', body = ''] of listing.matchAll(/^\t(?:set|map) (\w+) \{\n((?:\t\t.*\n)*)\t\}/gm)) {
    const inside = /\belements = \{([^}]*)\}/.exec(body)?.[1]
    for (const element of inside?.split(',') ?? []) {
      const [head = '', data] = element.trim().split(' : ')
      const [key = ''] = head.split(/ (?:timeout|expires) /)
      if (key !== '') elements.push({ set, key, data, leftMs: timeIn(/ expires (\w+)/.exec(head)?.[1]) })
    }
  }
  return elements
}

function timeIn(text: string | undefined): number {
  if (text === undefined) return Infinity
  return [...text.matchAll(/(\d+)(ms|[dhms])/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * UNITS[unit!]!,
    0,
  )
}

/** Returns a key with the protocol numbers that listings use. */
export function listedKey(key: string): string {
  return key.replace(' . tcp . ', ` . ${TCP} . `).replace(' . udp . ', ` . ${UDP} . `)
}

/** Returns the connections from before the guard that are in a listing of its table. */
export function listedKept(listing: string): readonly Kept[] {
  return listedElements(listing).flatMap(({ set, key }) => {
    const [address = '', peerPort, port] = key.split(' . ')
    const peer = parseAddress(address)
    if (!/^kept[46]$/.test(set) || peer === undefined) return []
    return [{ family: peer.family, address, peerPort: Number(peerPort), port: Number(port) }]
  })
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = { tcp: TCP, 6: TCP, udp: UDP, 17: UDP }

/** Returns the services of this host and of other hosts that a listing of the guard's table hides. */
export function listedServices(listing: string): readonly Service[] {
  const guard = /^\tchain guard \{\n((?:\t\t.*\n)*)\t\}/m.exec(listing)?.[1] ?? ''
  const services: Service[] = []
  for (const rule of guard.split('\n')) {
    if (!/ jump stranger(?:_abroad)?$/.test(rule)) continue
    // Keys are in braces, whether there is one or several. Older versions of nft list a single key without braces.
    const keys = / th dport (?:\{ ([^}]*) \}|(\S+ \. \S+(?: \. \S+)?)) jump/.exec(rule)
    for (const key of (keys?.[1] ?? keys?.[2] ?? '').split(',')) {
      const words = key.trim().split(' . ')
      const [ports = '', name = '', host] = words.toReversed()
      const [first = 0, last = first] = ports.split('-').map(Number)
      const protocol = PROTOCOLS[name]
      if (protocol === undefined || !Number.isInteger(first) || !Number.isInteger(last)) continue
      services.push({ protocol, first, last, host: host === undefined ? undefined : parseAddress(host) })
    }
  }
  return services
}
