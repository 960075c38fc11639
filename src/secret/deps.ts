import type { Gate } from '../gate/gate.ts'
import type { Log } from '../log/log.ts'
import type { Address } from '../packet/address.ts'
import type { HolderMarks } from './holder-marks.ts'
import type { Ledger } from '../state/ledger.ts'
import type { Store } from '../state/store.ts'
import type { SpaProtocol } from '../config/config.ts'
import type { Authenticator, Claim } from './authenticator.ts'
import type { Clock } from './clock.ts'

/** The dependencies of every authenticator. */
export interface AuthenticatorDeps {
  readonly gate: Pick<Gate, 'add' | 'remove'>
  readonly ledger: Ledger
  /** Notes that use up no secret, such as known sources, and what is known of a loss of state. */
  readonly store: Pick<Store, 'newest' | 'advance' | 'forget' | 'keys' | 'loss' | 'acceptsLoss'>
  readonly marks: HolderMarks
  readonly log: Pick<Log, 'event' | 'notice'>
  readonly clock: Clock
  /** True in a replay: files are read, but neither watched nor written. */
  readonly isReadOnly?: boolean
  /** Called when other sequences or packets have to be captured. */
  readonly needsChanged: () => void
  /** Called when a key no longer opens a door, or opens less of it. */
  readonly holdersChanged: () => void
}

/** The further dependencies of an authenticator of single packets. */
export interface PacketDeps<Proof> extends AuthenticatorDeps {
  /** Called with each valid packet, at once or later. The daemon redeems the claim. */
  readonly claimed: (claim: Claim<Proof>) => void
  /** Returns true if an address currently belongs to this host. */
  readonly isOwn: (address: Address) => boolean
}

/** The dependencies of all authenticators of single packets. */
export interface PacketAuthenticatorsDeps extends Omit<PacketDeps<never>, 'claimed'> {
  /** Called with each valid packet, and the authenticator that redeems it. */
  readonly claimed: <Proof>(claim: Claim<Proof>, authenticator: Authenticator<Proof>) => void
}

/** The authenticators by the protocol of their packets, in the order in which packets are offered. */
export type PacketAuthenticators = Readonly<Record<SpaProtocol, Authenticator<unknown>>>
