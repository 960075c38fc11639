import type { Door, Service } from '../config/config.ts'
import type { Port } from '../door/grant.ts'
import type { Address } from '../packet/address.ts'
import { contains } from '../packet/network.ts'

/** Returns the requested ports as the door's services, or `undefined` if the door does not open one of them. */
export function servicesFor({ opens }: Door, ports: readonly Port[]): readonly Service[] | undefined {
  const services: Service[] = []
  for (const { protocol, port } of ports) {
    const of = opens.find(
      (service) =>
        service.host === undefined && service.protocol === protocol && service.first <= port && port <= service.last,
    )
    if (of === undefined) return undefined
    if (of.first === of.last) services.push(of)
    else services.push({ ...of, first: port, last: port })
  }
  return services
}

/** Returns true if a door's Allow_From contains all the addresses. */
export function admits({ allowFrom }: Door, addresses: readonly Address[]): boolean {
  return allowFrom.length === 0 || addresses.every((address) => allowFrom.some((network) => contains(network, address)))
}

/** Returns the shortest of several times. A bound of `undefined` or 0 does not count. */
export function shortest(ms: number, ...bounds: readonly (number | undefined)[]): number {
  return Math.min(ms, ...bounds.filter((bound) => bound !== undefined && bound > 0).map(Number))
}
