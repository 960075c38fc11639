import type { Service } from '../../config/config.ts'
import { contains } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import { formatAddress } from '../../packet/address.ts'

/**
 * Returns the same ports in as few ranges as possible, none touching another. The kernel refuses sets with overlapping
 * ranges.
 */
export function mergeServices(services: readonly Service[]): readonly Service[] {
  const sorted = [...services].sort((one, other) => compare(one, other) || one.first - other.first)
  const merged: Service[] = []
  for (const service of sorted) {
    const last = merged.at(-1)
    if (last !== undefined && compare(last, service) === 0 && service.first <= last.last + 1) {
      merged[merged.length - 1] = { ...last, last: Math.max(last.last, service.last) }
    } else merged.push(service)
  }
  return merged
}

/** Returns the ports of the first list that are not in the second, as ranges. Services of other hosts have their own. */
export function without(services: readonly Service[], others: readonly Service[]): readonly Service[] {
  let left = [...services]
  for (const other of others) left = left.flatMap((service) => minus(service, other))
  return left
}

/** Returns the ports of the first list that are not in the second, in as few ranges as possible. */
export function uncovered(before: readonly Service[], after: readonly Service[]): readonly Service[] {
  return without(mergeServices(before), mergeServices(after))
}

function minus(service: Service, other: Service): readonly Service[] {
  const { first, last } = service
  if (other.last < first || last < other.first || compare(service, other) !== 0) return [service]
  return [
    ...(first < other.first ? [{ ...service, last: other.first - 1 }] : []),
    ...(other.last < last ? [{ ...service, first: other.last + 1 }] : []),
  ]
}

/** Compares two services by host and protocol; 0 means that both are equal. */
function compare(one: Service, other: Service): number {
  const [here, there] = [hostText(one), hostText(other)]
  if (here !== there) return here < there ? -1 : 1
  return one.protocol - other.protocol
}

function hostText({ host }: Service): string {
  return host === undefined ? '' : formatAddress(host)
}

/** Returns the networks that do not lie within another one. */
export function mergeNetworks(networks: readonly Network[]): readonly Network[] {
  return networks.filter(
    (network, index) =>
      !networks.some((other, at) => {
        if (at === index || other.prefix > network.prefix) return false
        // Of two equal networks, the first remains.
        if (other.prefix === network.prefix && at > index) return false
        return contains(other, network.address)
      }),
  )
}
