import { formatForward, servicesText } from '../../../door/part.ts'
import { contains } from '../../../packet/network.ts'
import type { PacketDeps } from '../../../secret/deps.ts'
import { shortest } from '../../../secret/door-bounds.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import type { Bounded, Judged, Vouched } from '../../../secret/vouched.ts'
import type { Stanza } from '../stanza.ts'
import { holderOf, markOfStanza, printOfStanza, stanzaPermits } from './holders.ts'

const SECOND_MS = 1_000

/** An opening that another host made, and the surroundings in which it is judged. */
interface Asked extends Pick<PacketDeps<never>, 'isOwn' | 'clock' | 'marks'> {
  readonly bounded: Bounded
  readonly vouched: Vouched
}

/** Judges by the stanzas with the key that opened it. They have no names, so file and line do not matter. */
export function judgeByKey(
  list: readonly Stanza[],
  door: PacketDoor,
  { bounded, vouched, isOwn, clock, marks }: Asked,
): Judged {
  const to = bounded.forward?.address
  if (to !== undefined && isOwn(to)) return { refusal: 'the forwarding target is an address of this host' }
  let refused: Judged = { refusal: 'no stanza here has the key that opened it' }
  for (const stanza of list) {
    for (const signer of signersOf(stanza)) {
      if (!vouched.isKey(printOfStanza(stanza, signer))) continue
      const refusal = refusalOf(stanza, bounded, clock.now())
      if (refusal === undefined) {
        const { accessTimeoutS, maxTimeoutS = Infinity } = stanza
        const ms = shortest(bounded.ms, Math.max(accessTimeoutS, maxTimeoutS) * SECOND_MS)
        return { ...bounded, ms, user: holderOf(door, stanza, signer), holder: markOfStanza(marks, stanza, signer) }
      }
      refused = { refusal }
    }
  }
  return refused
}

/**
 * Returns the reason why a stanza does not let its owner have an opening that another host made, or `undefined`. Rules
 * about the packet itself, such as DESTINATION, counted on the host that took it.
 */
function refusalOf(
  stanza: Stanza,
  { source, services, asked, forward, claimedUser }: Bounded,
  now: number,
): string | undefined {
  const { sources, requireUsername, forceNat, cycle } = stanza
  if (cycle !== undefined) return 'the stanza has a command cycle'
  if (sources.length > 0 && !sources.some((network) => contains(network, source))) return 'it is not in SOURCE'
  if (requireUsername.length > 0 && !requireUsername.includes(claimedUser ?? '')) return 'not in REQUIRE_USERNAME'
  if (forceNat !== undefined && forward === undefined) return 'the stanza has FORCE_NAT'
  const held = { services: servicesText({ services, asked }), forward: formatForward(forward) }
  return stanzaPermits(stanza, held, now) ? undefined : 'the stanza does not allow it, or has expired'
}

/**
 * Returns the signers whose packets the stanza accepts; `undefined` among them stands for packets without a signature. As in
 * fwknopd, ids do not count beside fingerprints.
 */
function signersOf({ rijndael, gnupg }: Stanza): readonly (string | undefined)[] {
  const { signers } = gnupg ?? {}
  if (signers === undefined) return [undefined]
  const { fingerprints, ids } = signers
  return [...(rijndael === undefined ? [] : [undefined]), ...(fingerprints.length > 0 ? fingerprints : ids)]
}
