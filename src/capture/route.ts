import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

/** The kernel's routes (proc(5)). */
const ROUTES_4 = '/proc/net/route'
const ROUTES_6 = '/proc/net/ipv6_route'

/**
 * Returns the interface of the default route, IPv4's before IPv6's. On systems other than Linux, it returns the first
 * interface with an address that is not loopback. Without such an interface, it returns `undefined`.
 */
export function defaultInterface(): string | undefined {
  const routes4 = table(ROUTES_4).slice(1)
  const routes6 = table(ROUTES_6)
  if (routes4.length + routes6.length === 0) {
    return Object.entries(networkInterfaces()).find(([, addresses]) =>
      addresses?.some(({ internal }) => !internal),
    )?.[0]
  }
  // Columns: interface, destination, gateway, flags, references, uses, metric, mask; numbers in hexadecimal.
  const default4 = routes4.filter(
    ([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000',
  )
  const lowest = default4.toSorted((one, other) => Number(one[6]) - Number(other[6]))[0]?.[0]
  if (lowest !== undefined) return lowest
  // Columns: destination, its prefix length, source, its length, next hop, metric, …, interface.
  return routes6.find((route) => route[0] === '0'.repeat(32) && route[1] === '00' && route.at(-1) !== 'lo')?.at(-1)
}

function table(path: string): readonly (readonly string[])[] {
  try {
    const lines = readFileSync(path, 'latin1').split('\n')
    return lines.filter((line) => line !== '').map((line) => line.trim().split(/\s+/))
  } catch {
    return []
  }
}
