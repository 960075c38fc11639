import { defaultInterface } from '../capture/route.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Ran } from './orders.ts'

/** The interface that knockd listens on by default. */
const CLASSIC_INTERFACE = 'eth0'

/** An address of an interface, with the length of the network's prefix. */
export interface LinkAddress {
  readonly address: Address
  readonly text: string
  readonly prefix: number
}

/** An interface of this machine other than loopback. Link-local addresses of IPv6 are not listed. */
export interface Link {
  readonly name: string
  readonly addresses: readonly LinkAddress[]
}

/** The interfaces that the rehearsal copies from this machine. */
export interface Machine {
  readonly links: readonly Link[]
  /** The interface that the daemon listens on, and that leads to the knocker. */
  readonly watched: Link
}

interface IpLink {
  readonly ifname: string
  readonly flags: readonly string[]
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[]
}

/**
 * Looks at this machine's interfaces.
 *
 * @param names the interfaces that the daemon listens on; the first one with an address is used. Default: `eth0`, or
 *   the interface of the default route
 * @throws Error if there is no such interface, or it has no address
 */
export async function lookAtMachine(
  run: (argv: readonly string[]) => Promise<Ran>,
  names: readonly string[],
): Promise<Machine> {
  const { code, stdout, stderr } = await run(['ip', '-j', 'addr', 'show'])
  if (code !== 0) throw new Error(`ip: ${stderr.trim()}`)
  const links = linksIn(stdout)
  const usable = links.filter(({ addresses }) => addresses.length > 0)
  const named = names.filter((name) => name !== 'any' && name !== 'lo')
  if (named.length > 0) {
    const watched = usable.find(({ name }) => named.includes(name))
    if (watched === undefined)
      throw new Error(`${named.join(', ')}: no such interface with an address${hintOf(usable)}`)
    return { links, watched }
  }
  const byRoute = links.some(({ name }) => name === CLASSIC_INTERFACE) ? CLASSIC_INTERFACE : defaultInterface()
  const watched = usable.find(({ name }) => name === byRoute) ?? usable[0]
  if (watched === undefined) throw new Error('this machine has no interface with an address')
  return { links, watched }
}

function hintOf(usable: readonly Link[]): string {
  return usable.length === 0 ? '' : `\n  there are: ${usable.map(({ name }) => name).join(', ')}`
}

/** Reads what `ip -j addr show` prints. */
export function linksIn(json: string): readonly Link[] {
  const read = JSON.parse(json) as readonly Partial<IpLink>[]
  return read.flatMap(({ ifname, flags = [], addr_info: infos = [] }) => {
    if (ifname === undefined || flags.includes('LOOPBACK')) return []
    const addresses = infos.flatMap(({ local, prefixlen, scope }): readonly LinkAddress[] => {
      const address = parseAddress(local)
      if (address === undefined || scope === 'link') return []
      return [{ address, text: formatAddress(address), prefix: prefixlen }]
    })
    return [{ name: ifname, addresses }]
  })
}
