import type { Door, Knock } from '../config/config.ts'
import { scannable } from '../config/scannable.ts'
import type { Secret } from '../gate/secret.ts'
import { OPENING_FLAGS } from '../gate/terms.ts'
import type { Terms } from '../gate/terms.ts'
import { formatAddress } from '../packet/address.ts'
import { formatNetwork } from '../packet/network.ts'

/** Whose a secret is, and whether it opens just once. */
export interface SecretTerms {
  readonly user?: string
  readonly once?: boolean
  /** How many knocks come before those of a code. */
  readonly code?: number
  /** Those of the door, where very many secrets share them. */
  readonly terms?: Terms
}

/** What the gate is told of a door's sequence. */
export function secretOf(door: Door, knocks: readonly Knock[], of: SecretTerms = {}): Secret {
  return {
    door: door.name,
    knocks,
    terms: of.terms ?? termsOf(door),
    user: of.user,
    once: of.once ?? false,
    // Wrong codes are counted by themselves.
    scannable: of.code === undefined && scannable(knocks) !== undefined,
    code: of.code,
  }
}

/** The terms that a door's knocks are under. */
export function termsOf({ tcpFlags = OPENING_FLAGS, target, seqTimeoutMs: timeoutMs, allowFrom }: Door): Terms {
  return { flags: tcpFlags, target, timeoutMs, allowFrom }
}

/** The same for two doors that are opened by the same knocks: an attempt at one goes on as one at the other. */
export function signatureOf(door: Door): string {
  const { name, secret, seqTimeoutMs, tcpFlags, target, allowFrom } = door
  const to = target === undefined ? '' : formatAddress(target)
  return JSON.stringify([name, secret, seqTimeoutMs, tcpFlags, to, allowFrom.map(formatNetwork)])
}
