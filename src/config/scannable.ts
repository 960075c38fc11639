import { ICMP, TCP } from '../packet/packet.ts'
import { STRAYS_PER_KNOCK } from './config.ts'
import type { Knock } from './config.ts'
import { isNmapFirst, nmapPlace } from './nmap-ports.ts'
import { ownPingOf } from './ping-sizes.ts'

/** Fewest knocks of a sequence that a scan does not open by chance. */
export const UNSCANNED_MIN_KNOCKS = 3

/**
 * The reason why a scan of ports or sizes could open a sequence by chance. `pings`: programs send all of its knocks by
 * themselves. `few`: it has one or two knocks. `near`: its ports, or the sizes of its pings, are close together.
 * `listed`: nmap's default ports in order have few others in between. `first`: nmap scans nearly all of its ports first.
 */
export type Scannable = 'pings' | 'few' | 'near' | 'listed' | 'first'

/**
 * Returns the reason why a scan could open the sequence by chance; `undefined`: it could not. Such a scan hits no
 * more strays between the first and last knock than an attempt may have.
 */
export function scannable(knocks: readonly Knock[]): Scannable | undefined {
  if (knocks.every((knock) => ownPingOf(knock) !== undefined)) return 'pings'
  if (knocks.length < UNSCANNED_MIN_KNOCKS) return 'few'
  const room = STRAYS_PER_KNOCK * (knocks.length - 1)
  const ports: number[] = []
  const sizes: number[] = []
  let foreseen = 0
  for (const knock of knocks) {
    if (knock.protocol === ICMP) sizes.push(knock.size)
    else ports.push(knock.port)
    if ((knock.protocol === TCP && isNmapFirst(knock.port)) || ownPingOf(knock) !== undefined) foreseen++
  }
  if (othersBetween(ports) + othersBetween(sizes) <= room) return 'near'
  if (knocks.length - foreseen < UNSCANNED_MIN_KNOCKS - 1) return 'first'
  return isOrdered(ports) && placesBetween(knocks) <= room ? 'listed' : undefined
}

/** Returns how many other numbers are between the lowest and the highest. */
function othersBetween(numbers: readonly number[]): number {
  return numbers.length === 0 ? 0 : Math.max(...numbers) - Math.min(...numbers) + 1 - new Set(numbers).size
}

/** Returns true if the ports only ascend, or only descend. */
function isOrdered(ports: readonly number[]): boolean {
  const steps = ports.slice(1).map((port, index) => port - ports[index]!)
  return steps.every((step) => step >= 0) || steps.every((step) => step <= 0)
}

/** Returns the number of other nmap default ports between the knocks; `Infinity` if a knock is not a default port. */
function placesBetween(knocks: readonly Knock[]): number {
  let first = Infinity
  let last = -Infinity
  for (const { protocol, port } of knocks) {
    const place = protocol === TCP ? nmapPlace(port) : undefined
    if (place === undefined) return Infinity
    first = Math.min(first, place)
    last = Math.max(last, place)
  }
  return last - first + 1 - new Set(knocks.map(({ port }) => port)).size
}
