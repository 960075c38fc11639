import type { Service } from '../../config/config.ts'
import { formatAddress } from '../../packet/address.ts'
import { mergeServices } from './merge.ts'

/** What is in some services and not in others, in as few ranges as can be. */
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

/** Whether both are ports of one host and protocol. */
function alike(one: Service, other: Service): boolean {
  return one.protocol === other.protocol && hostOf(one) === hostOf(other)
}

function hostOf({ host }: Service): string {
  return host === undefined ? '' : formatAddress(host)
}
