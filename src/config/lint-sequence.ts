import type { Knock } from './config.ts'
import type { DoorText } from './door.ts'
import type { Facts } from './facts.ts'
import type { FaultList } from './fault.ts'
import { isPublished } from './published.ts'

/** Warns of a sequence that others find without looking for it. No port is named: a message may end up in a log. */
export function warnOfSequence({ entries, values }: DoorText, facts: Facts | undefined, faults: FaultList): void {
  const { sequence } = values
  if (sequence === undefined || entries.sequence === undefined) return
  const { line, valueColumn } = entries.sequence
  const { knocks, offsets } = sequence
  if (isPublished(knocks)) {
    const message = 'this sequence is published in manuals or guides: it is the first one to be tried'
    faults.warning(line, valueColumn, message, 'choose ports of your own, at random')
  } else if (isAscending(knocks)) {
    const message = 'the ports are in ascending order, as a scan goes through them'
    faults.warning(line, valueColumn, message, 'put a lower port after a higher one')
  }
  // A door with a target is knocked at on another host.
  if (facts === undefined || entries.target !== undefined) return
  for (const [index, { protocol, port }] of knocks.entries()) {
    if (!facts.listens(protocol, port)) continue
    const message = `knock ${index + 1}: a program listens on this port, so its visitors knock too`
    faults.warning(line, valueColumn + offsets[index]!, message, 'choose a port on which nothing listens')
  }
}

function isAscending(knocks: readonly Knock[]): boolean {
  return knocks.length > 1 && knocks.every(({ port }, index) => index === 0 || port > knocks[index - 1]!.port)
}
