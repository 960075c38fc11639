import { randomInt } from 'node:crypto'
import type { Knock, ListTerms } from '../config/config.ts'
import { TCP } from '../packet/packet.ts'

/**
 * Ports from 1024 on that browsers refuse to connect to (Fetch, "port blocking"): whoever knocks from the published page
 * could not knock at them.
 */
const BLOCKED_BY_BROWSERS: ReadonlySet<number> = new Set([
  1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10_080,
])
/** How often a port or an order is drawn anew before it is given up. */
const DRAWS_MAX = 10_000

/** How long a sequence is, and which ports it may have. */
export type SequenceTerms = Pick<ListTerms, 'length' | 'ports'>

/** Whole numbers from 0 to below `max`, each as likely as any other. */
export type Draw = (max: number) => number

/**
 * Makes a sequence at random: TCP ports, no two the same, none that `avoid` has or that browsers refuse, and in no order that
 * a scan goes through.
 *
 * @param draw for tests; what is cryptographically random otherwise
 * @throws Error if there are not enough ports left
 */
export function makeSequence(
  { length, ports: { first, last } }: SequenceTerms,
  avoid: ReadonlySet<number>,
  draw: Draw = (max) => randomInt(max),
): readonly Knock[] {
  for (let round = 0; round < DRAWS_MAX; round++) {
    const ports = new Set<number>()
    for (let draws = 0; ports.size < length; draws++) {
      if (draws >= DRAWS_MAX) throw new Error(`no ports are left between ${first} and ${last}`)
      const port = first + draw(last - first + 1)
      if (!avoid.has(port) && !BLOCKED_BY_BROWSERS.has(port)) ports.add(port)
    }
    const drawn = [...ports]
    if (isSwept(drawn) || isSwept(drawn.toReversed())) continue
    return drawn.map((port) => ({ protocol: TCP, port }))
  }
  throw new Error('no order was found that a scan does not go through')
}

function isSwept(ports: readonly number[]): boolean {
  return ports.every((port, index) => index === 0 || port > ports[index - 1]!)
}
