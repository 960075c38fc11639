import { TCP } from '../packet/packet.ts'
import { STRAYS_PER_KNOCK } from './config.ts'
import type { Knock } from './config.ts'
import { isNmapFirst, nmapPlace } from './nmap-ports.ts'

/** Fewest knocks that a scan does not make in passing. */
export const UNSCANNED_MIN_KNOCKS = 3

/**
 * Why a port scan could make a sequence in passing. `few`: it has one or two knocks. `near`: its ports are close together.
 * `listed`: nmap's default ports in order have few others between. `first`: nmap scans nearly all of them first.
 */
export type Scannable = 'few' | 'near' | 'listed' | 'first'

/**
 * Whether a port scan could make the sequence in passing: between its first and its last knock it would touch no more
 * other ports than an attempt is allowed. `undefined`: it could not.
 */
export function scannable(knocks: readonly Knock[]): Scannable | undefined {
  if (knocks.length < UNSCANNED_MIN_KNOCKS) return 'few'
  const room = STRAYS_PER_KNOCK * (knocks.length - 1)
  const ports = knocks.map(({ port }) => port)
  const span = Math.max(...ports) - Math.min(...ports) + 1
  if (span - new Set(ports).size <= room) return 'near'
  let foreseen = 0
  for (const { protocol, port } of knocks) if (protocol === TCP && isNmapFirst(port)) foreseen++
  if (knocks.length - foreseen < UNSCANNED_MIN_KNOCKS - 1) return 'first'
  return isOrdered(ports) && placesBetween(knocks) <= room ? 'listed' : undefined
}

/** Whether the ports go up all the way, or down. */
function isOrdered(ports: readonly number[]): boolean {
  const steps = ports.slice(1).map((port, index) => port - ports[index]!)
  return steps.every((step) => step >= 0) || steps.every((step) => step <= 0)
}

/** How many others of nmap's default ports lie between them; `Infinity` where one is not a default port. */
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
