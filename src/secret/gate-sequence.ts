import type { Door, Knock } from '../config/config.ts'
import { scannable } from '../config/scannable.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { OPENING_FLAGS } from '../config/flags.ts'
import type { Terms } from '../gate/terms.ts'

/** The user of a sequence, and whether the sequence can be used only once. */
export interface SequenceOptions {
  readonly user?: string | undefined
  readonly once?: boolean
  /** The number of knocks before those of a code. */
  readonly code?: number
  /** The door's conditions, for doors with many sequences that share them. */
  readonly terms?: Terms
}

/** Returns a door's sequence for the gate. */
export function gateSequenceOf(door: Door, knocks: readonly Knock[], options: SequenceOptions = {}): GateSequence {
  const { user, once = false, code, terms = termsOf(door) } = options
  // Wrong codes are counted separately.
  const isScannable = code === undefined && scannable(knocks) !== undefined
  return { door: door.name, knocks, terms, user, once, scannable: isScannable, code }
}

/** Returns the conditions on a door's knocks. */
export function termsOf({ tcpFlags = OPENING_FLAGS, target, seqTimeoutMs: timeoutMs, allowFrom }: Door): Terms {
  return { flags: tcpFlags, target, timeoutMs, allowFrom }
}
