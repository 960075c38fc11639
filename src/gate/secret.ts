import type { Knock } from '../config/config.ts'
import { UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Terms } from './terms.ts'

/** A sequence that opens a door, and the terms its knocks are under. Told apart by identity. */
export interface Secret {
  /** Name of the door it opens. */
  readonly door: string
  readonly knocks: readonly Knock[]
  readonly terms: Terms
  /** Whose it is, where a door has several users. */
  readonly user?: string | undefined
  /** Whether it opens just once: the gate forgets it in the same step that it opens. */
  readonly once: boolean
  /** Whether a port scan could make its knocks in passing: then whoever scans is ignored. */
  readonly scannable: boolean
  /** How many knocks come before those of a time-based code; `undefined`: it has none. */
  readonly code?: number | undefined
}

/** How many different knocks there are: 65,536 ports, TCP and UDP. */
export const KNOCKS = 1 << 17

/** A knock as one number below {@link KNOCKS}. */
export function knockKey(protocol: Protocol, port: number): number {
  return protocol === UDP ? port | 0x10000 : port
}
