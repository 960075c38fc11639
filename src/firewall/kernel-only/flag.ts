import { ACK, FIN, PSH, RST, SYN, URG } from '../../packet/packet.ts'

/**
 * Seconds without a wrong port after which a source's count of them restarts. The gate has the same time, but from the
 * first wrong port.
 */
export const SCAN_WINDOW_S = 60

const NAMES: readonly (readonly [number, string])[] = [
  [FIN, 'fin'],
  [SYN, 'syn'],
  [RST, 'rst'],
  [PSH, 'psh'],
  [ACK, 'ack'],
  [URG, 'urg'],
]

/** Returns the names of TCP flags, in the order of their bits. */
export function flagNames(flags: number): readonly string[] {
  return NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name)
}
