import type { Door, Knock } from '../config/config.ts'
import type { Secret } from '../gate/secret.ts'
import { OPENING_FLAGS } from '../gate/terms.ts'
import { formatAddress } from '../packet/address.ts'
import { formatNetwork } from '../packet/network.ts'

/** What the gate is told of a door's sequence. */
export function secretOf(door: Door, knocks: readonly Knock[]): Secret {
  const { tcpFlags = OPENING_FLAGS, target, seqTimeoutMs: timeoutMs, allowFrom } = door
  const terms = { flags: tcpFlags, target, timeoutMs, allowFrom }
  return { door: door.name, knocks, terms, once: door.secret.kind === 'one-time' }
}

/** The same for two doors that are opened by the same knocks: an attempt at one goes on as one at the other. */
export function signatureOf(door: Door): string {
  const { name, secret, seqTimeoutMs, tcpFlags, target, allowFrom } = door
  const to = target === undefined ? '' : formatAddress(target)
  return JSON.stringify([name, secret, seqTimeoutMs, tcpFlags, to, allowFrom.map(formatNetwork)])
}
