import type { Door, Knock } from '../config/config.ts'
import { scannable } from '../config/scannable.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { OPENING_FLAGS } from '../gate/terms.ts'
import type { Terms } from '../gate/terms.ts'
import { formatAddress } from '../packet/address.ts'
import { formatNetwork } from '../packet/network.ts'

/** The user of a secret, and whether the secret can be used only once. */
export interface SecretTerms {
  readonly user?: string
  readonly once?: boolean
  /** The number of knocks before those of a code. */
  readonly code?: number
  /** The door's conditions, for doors with many secrets that share them. */
  readonly terms?: Terms
}

/** Returns a door's sequence for the gate. */
export function secretOf(door: Door, knocks: readonly Knock[], of: SecretTerms = {}): GateSequence {
  return {
    door: door.name,
    knocks,
    terms: of.terms ?? termsOf(door),
    user: of.user,
    once: of.once ?? false,
    // Wrong codes are counted separately.
    scannable: of.code === undefined && scannable(knocks) !== undefined,
    code: of.code,
  }
}

/** Returns the conditions on a door's knocks. */
export function termsOf({ tcpFlags = OPENING_FLAGS, target, seqTimeoutMs: timeoutMs, allowFrom }: Door): Terms {
  return { flags: tcpFlags, target, timeoutMs, allowFrom }
}

/** Returns the same string for two doors that the same knocks open, so that attempts survive a reload. */
export function signatureOf(door: Door): string {
  const { name, secret, seqTimeoutMs, tcpFlags, target, allowFrom } = door
  const to = target === undefined ? '' : formatAddress(target)
  return JSON.stringify([name, secret, seqTimeoutMs, tcpFlags, to, allowFrom.map(formatNetwork)])
}
