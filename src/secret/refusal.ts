import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Redemption } from '../state/ledger.ts'
import type { Refusal } from './authenticator.ts'

/** A door, and the address that would have got access. */
export interface Refused {
  readonly door: string
  readonly source: Address
}

/** Returns the refusal of a secret that could not be used up, or `undefined` if it was. */
export function refusalOf(redemption: Redemption, refused: Refused): Refusal | undefined {
  if (redemption === 'won') return undefined
  return redemption === 'lost' ? { refused: undefined } : staysShut('error', refused, redemption.unavailable)
}

/** Returns the refusal of a packet that was valid when it came. */
export function refusedMeanwhile(refused: Refused, what: 'access was revoked' | 'the config has changed'): Refusal {
  return staysShut('notice', refused, `${what} meanwhile`)
}

function staysShut(level: 'notice' | 'error', { door, source }: Refused, why: string): Refusal {
  return { refused: { level, text: `${formatAddress(source)}: ${door}: stays shut: ${why}` } }
}
