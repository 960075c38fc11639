import { parseAddress } from '../../packet/address.ts'
import { formatNetwork, networkOf } from '../../packet/network.ts'
import { Counts, FewNames } from './counts.ts'
import type { Counted } from './counts.ts'

/** The prefix of the networks by which scans are counted: what one owner usually has. */
export const NETWORK_PREFIX = { 4: 24, 6: 48 } as const
/** The most networks that are counted each by itself. */
export const NETWORKS_COUNTED_MAX = 4_096
/** The most addresses of a network that are told apart. */
export const ADDRESSES_KEPT_MAX = 16

/** The scans of a network. */
export interface NetworkCount extends Counted {
  readonly network: string
  readonly addresses: FewNames
  first: number
  last: number
}

/** The port scans, by network. */
export class Scans {
  readonly networks = new Counts<NetworkCount>(NETWORKS_COUNTED_MAX)
  total = 0

  /** @param source an address */
  take(source: string, time: number): void {
    const address = parseAddress(source)
    if (address === undefined) return
    this.total++
    const network = formatNetwork(networkOf(address, NETWORK_PREFIX[address.family]))
    const count = this.networks.add(network, () => ({
      count: 0,
      network,
      addresses: new FewNames(ADDRESSES_KEPT_MAX),
      first: time,
      last: time,
    }))
    count.addresses.add(source)
    count.first = Math.min(count.first, time)
    count.last = Math.max(count.last, time)
  }
}
