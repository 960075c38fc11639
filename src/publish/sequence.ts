import { randomInt } from 'node:crypto'
import type { Knock, ListTerms } from '../config/config.ts'
import { TCP } from '../packet/packet.ts'
import { isBlocked } from './blocked-ports.ts'

/** The number of times that a port or an order is drawn before giving up. */
const DRAWS_MAX = 10_000

/**
 * Makes a random sequence of distinct TCP ports. It leaves out the ports in `avoid` and those that browsers refuse,
 * at which the published page could not knock, and any order that a scan follows.
 *
 * @param draw returns a whole number from 0 to below `max`; for tests; default: a cryptographic random source
 * @throws Error if there are not enough ports left
 */
export function makeSequence(
  { length, ports: { first, last } }: Pick<ListTerms, 'length' | 'ports'>,
  avoid: ReadonlySet<number>,
  draw: (max: number) => number = (max) => randomInt(max),
): readonly Knock[] {
  for (let round = 0; round < DRAWS_MAX; round++) {
    const ports = new Set<number>()
    for (let draws = 0; ports.size < length; draws++) {
      if (draws >= DRAWS_MAX) throw new Error(`no ports are left between ${first} and ${last}`)
      const port = first + draw(last - first + 1)
      if (!avoid.has(port) && !isBlocked(port)) ports.add(port)
    }
    const drawn = [...ports]
    if (isSwept(drawn) || isSwept(drawn.toReversed())) continue
    return drawn.map((port) => ({ protocol: TCP, port }))
  }
  throw new Error('every order found is one that a scan follows')
}

function isSwept(ports: readonly number[]): boolean {
  return ports.every((port, index) => index === 0 || port > ports[index - 1]!)
}
