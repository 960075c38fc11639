import type { Grant } from '../door/grant.ts'
import type { Secret as GateSequence } from '../gate/secret.ts'
import type { Claim, Redeemed } from '../secret/authenticator.ts'
import type { Doors } from './doors.ts'

/** The proof of a claim: a completed sequence, or the grant of a packet, which is durably used up already. */
export type Proof = GateSequence | Grant

/** Redeems the claims of sequences and of packets. Refusals are logged where they are made. */
export async function redeem(
  { source, protocol, port, proof }: Claim<Proof>,
  doors: Pick<Doors, 'redeem' | 'find'>,
): Promise<Redeemed> {
  if ('holder' in proof) return proof
  const holder = await doors.redeem(proof)
  const door = doors.find(proof.door)
  if (holder === undefined || door === undefined) return { refused: undefined }
  return { door, source, ms: door.cmdTimeoutMs, user: proof.user, holder, protocol, port }
}
