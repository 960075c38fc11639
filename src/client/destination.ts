import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces, type NetworkInterfaceInfo } from 'node:os'
import { HERE } from '../file/platform.ts'
import type { Platform } from '../file/platform.ts'
import type { Family } from '../packet/address.ts'
import { ClientError } from './fault.ts'

/** A destination of knocks, with the source address. */
export interface Destination {
  readonly family: Family
  /** The address as text, with a zone if it has one (`fe80::1%eth0`). */
  readonly address: string
  /** The source address, or `undefined` for the system's choice. */
  readonly source: string | undefined
}

/** The source addresses, one for each family. */
export type Sources = Partial<Record<Family, string>>

/**
 * Resolves a host to at most one address of each family, in the system's order of preference (RFC 6724). Only families
 * that are wanted and that `source` has are included.
 *
 * @throws ClientError if the host has no such address
 */
export async function resolve(
  host: string,
  family: Family | undefined,
  source: string | undefined,
): Promise<readonly Destination[]> {
  const found = await addressesOf(host, family)
  const linkLocal = found.some(({ address }) => isLinkLocal(address))
  const sources = source === undefined ? undefined : sourcesOf(source, linkLocal, networkInterfaces())
  const destinations = new Map<Family, Destination>()
  for (const { address, family: which } of found) {
    if (destinations.has(which) || (sources !== undefined && sources[which] === undefined)) continue
    destinations.set(which, { family: which, address, source: sources?.[which] })
  }
  if (destinations.size > 0) return [...destinations.values()]
  throw new ClientError(
    `${source} has no address of a family that ${host} has`,
    `${host} is ${found.map(({ address }) => address).join(', ')}`,
  )
}

/**
 * Resolves a host to all its addresses, in the system's order of preference.
 *
 * @throws ClientError if the host has no address
 */
export async function resolveAll(host: string, family: Family | undefined): Promise<readonly Destination[]> {
  return (await addressesOf(host, family)).map(({ family: which, address }) => ({
    family: which,
    address,
    source: undefined,
  }))
}

async function addressesOf(
  host: string,
  family: Family | undefined,
): Promise<readonly { readonly address: string; readonly family: Family }[]> {
  const literal = isIP(host)
  if (literal !== 0) {
    if (family !== undefined && family !== literal) {
      throw new ClientError(`${host} is not an IPv${family} address`, `leave -${family} out`)
    }
    return [{ address: host, family: literal as Family }]
  }
  try {
    const found = await lookup(host, { all: true, order: 'verbatim', family: family ?? 0 })
    return found.map(({ address, family: which }) => ({ address, family: which as Family }))
  } catch (error) {
    const kind = family === undefined ? '' : ` to an IPv${family} address`
    throw new ClientError(`cannot resolve ${host}${kind}: ${reasonOf(error)}`, undefined, error)
  }
}

/**
 * Returns the addresses for `--source`: the given address, or those of the given interface, one for each family. A
 * link-local IPv6 address of an interface is used only for a link-local destination.
 *
 * @throws ClientError if the source is neither an address nor an interface
 */
export function sourcesOf(
  source: string,
  linkLocal: boolean,
  interfaces: Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>,
  { os }: Platform = HERE,
): Sources {
  const literal = isIP(source)
  if (literal !== 0) return literal === 4 ? { 4: source } : { 6: source }
  const infos = interfaces[source]
  if (infos === undefined) {
    const names = Object.keys(interfaces).join(', ')
    throw new ClientError(
      `no address and no interface that is up: ${source}`,
      names === '' ? undefined : `interfaces: ${names}`,
    )
  }
  const four = infos.find((info) => info.family === 'IPv4')?.address
  const six = infos.find((info) => info.family === 'IPv6' && isLinkLocal(info.address) === linkLocal)
  // On Windows, zones are numbers (RFC 4007, 11).
  const zone = os === 'win32' ? six?.scopeid : source
  return {
    ...(four === undefined ? {} : { 4: four }),
    ...(six === undefined ? {} : { 6: linkLocal ? `${six.address}%${zone}` : six.address }),
  }
}

/** Returns true for fe80::/10 (RFC 4291, 2.5.6). */
function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/i.test(address)
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOTFOUND') return 'no such name'
  if (code === 'EAI_AGAIN') return 'no name server answers'
  return code ?? String(error)
}
