import type { Service } from '../../config/config.ts'
import { formatAddress } from '../../packet/address.ts'
import { mergeServices } from './merge.ts'

/** Returns the ports of the first list that are not in the second, in as few ranges as possible. */
export function uncovered(before: readonly Service[], after: readonly Service[]): readonly Service[] {
  const still = mergeServices(after)
  return mergeServices(before).flatMap((service) => {
    const left: Service[] = []
    let { first } = service
    for (const other of still) {
      if (!alike(other, service) || other.last < first || other.first > service.last) continue
      if (other.first > first) left.push({ ...service, first, last: other.first - 1 })
      first = other.last + 1
    }
    if (first <= service.last) left.push({ ...service, first })
    return left
  })
}

/** Returns true if both services have the same host and protocol. */
function alike(one: Service, other: Service): boolean {
  return one.protocol === other.protocol && hostOf(one) === hostOf(other)
}

function hostOf({ host }: Service): string {
  return host === undefined ? '' : formatAddress(host)
}
