import type { Knock } from '../../config/config.ts'
import { formatSequence } from '../../config/sequence.ts'
import { checkConfig } from '../../lint/lint.ts'
import { TCP } from '../../packet/packet.ts'
import type { Protocol } from '../../packet/packet.ts'

/** The lowest and highest port that is drawn. No drawn port is a privileged one. */
const PORT_MIN = 1_024
const PORT_MAX = 65_535
/** The most sequences that are drawn until one has no fault. Nearly two of three are without a fault. */
const DRAWS_MAX = 1_000

/** Returns a random whole number, both bounds included. The secret depends on it. */
export type Draw = (min: number, max: number) => number

/**
 * Draws a sequence of TCP ports of which `postern check` does not warn: no port that nmap scans, no port on which a
 * program listens, no port twice, and not in ascending order.
 *
 * @param hidden the ports that the door opens, as in `tcp/22`; none of them is a knock
 * @throws Error if the random source gives no such sequence
 */
export function drawSequence(
  count: number,
  hidden: string,
  listens: (protocol: Protocol, port: number) => boolean,
  draw: Draw,
): readonly Knock[] {
  const facts = { listens, mode: undefined, file: () => ({}) }
  for (let drawn = 0; drawn < DRAWS_MAX; drawn++) {
    const knocks = Array.from({ length: count }, (): Knock => ({ protocol: TCP, port: draw(PORT_MIN, PORT_MAX) }))
    if (new Set(knocks.map(({ port }) => port)).size < count) continue
    const text = `[door]\nSequence = ${formatSequence(knocks)}\nOpen_Ports = ${hidden}\n`
    if (checkConfig(text, 'drawn', facts).faults.length === 0) return knocks
  }
  throw new Error('no sequence without a fault was drawn')
}
