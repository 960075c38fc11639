import type { PacketNeeds } from '../capture/needs.ts'
import type { Door, Options } from '../config/config.ts'
import type { UsersInForce } from '../control/message.ts'
import type { Grant } from '../door/grant.ts'
import type { Held } from '../door/held.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { LogEvent } from '../log/event.ts'
import type { Address } from '../packet/address.ts'
import type { Packet, Protocol } from '../packet/packet.ts'
import type { Judged, Vouched } from './vouched.ts'

/**
 * A proof that was made, and has to be redeemed before it opens anything.
 *
 * @template Proof what proves it: a completed sequence of the gate, or what a packet's authenticator made of it
 */
export interface Claim<Proof = GateSequence> {
  /** The name of the door. */
  readonly door: string
  /** The sender of the knocks or of the packet. */
  readonly source: Address
  /** The protocol and port of the last knock or of the packet. */
  readonly protocol: Protocol
  readonly port: number
  /** The time of its capture, in milliseconds of the steady clock. */
  readonly time?: number
  readonly proof: Proof
  /** The grant that redeeming gives, unless something changes meanwhile. The opener prepares for it. */
  readonly likely?: Grant
}

/** The event of a claim that opens nothing; `undefined`: not worth a line. */
export interface Refusal {
  readonly refused: LogEvent | undefined
}

/** The result of redeeming a claim. */
export type Redeemed = Grant | Refusal

/**
 * The answer to whether a holder may keep an opening. `unknown` means that the file was not yet read, or that an
 * earlier version made the record. The opening then stays until its time is over.
 */
export type Verdict = 'may' | 'may not' | 'unknown'

/** The state of a door's secret, for the status. */
export interface SecretStatus {
  /** The number of sequences left in the door's list. */
  readonly left?: number | undefined
  /** The number of the door's users. */
  readonly users?: number | undefined
}

/**
 * One way to prove the right to open doors. There is one object for each kind of secret, and it serves all doors of
 * that kind. Files are watched: a file that cannot be read keeps its last good state, and a removed key no longer opens.
 */
export interface Authenticator<Proof = GateSequence> {
  /**
   * Puts doors in force, in place of the previous ones. All are of this kind. Sequences that did not change keep their
   * attempts. The new sequences are in the gate, and the files have been read, once this returns. Never throws.
   */
  replace(doors: readonly Door[], options: Options): void
  /** Yields the sequences that the gate waits for now. None for single packets. */
  sequences(): Iterable<GateSequence>
  /** The single packets that have to be captured; `undefined`: none. */
  readonly needs: PacketNeeds | undefined
  /**
   * Takes a packet to an address of this host if it is a single packet of this kind. A valid one becomes a claim, at
   * once or later. The work for unknown sources is within a budget. Never throws.
   *
   * @param bytes the memory with the packet's payload, which is valid until this returns
   * @returns false if the packet is something else, so that others may take it
   */
  offer(packet: Packet, bytes: Uint8Array): boolean
  /**
   * Uses up what the claim proves, durably, and judges it by the present files. Of two claims of the same proof at most
   * one gets a grant. Never rejects: what cannot be used up durably is refused.
   */
  redeem(claim: Claim<Proof>): Promise<Redeemed>
  /**
   * Judges by the present config and files what another host's proof opens here: at most what the door and its user may
   * have. Nothing is used up. The holder is a mark that {@link mayHold} judges.
   */
  grantFor(vouched: Vouched): Judged
  /** Judges by the present files, without waiting, whether a holder may keep an opening of one of the doors. */
  mayHold(held: Held): Verdict
  /** Returns when a holder next loses access by time alone, in milliseconds since 1970, or `Infinity`. */
  nextExpiry(now: number): number
  /** The files and folders that decide who may open. A change of one takes effect without a reload. */
  files(): readonly string[]
  /**
   * Reads the files of all doors again that have one below a folder, as after a reload. Holders who lost access are
   * reported. Never throws.
   */
  refresh(folder: string): void
  /** Returns the state of a door's secret. */
  status(door: string): SecretStatus
  /**
   * Reads the file of a door's users again, and returns those in force. `undefined`: the door has no users by name.
   * Holders who lost access are reported as after any change.
   */
  readUsers?(door: string): UsersInForce | undefined
  /** Takes all sequences out of the gate, stops watching, and waits for writes that have begun. */
  close(): Promise<void>
}
