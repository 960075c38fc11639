import type { Door } from '../config/config.ts'
import type { Held } from '../door/held.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Redemption } from '../state/ledger.ts'
import type { Authenticator, Claim, Redeemed, Refusal, SecretStatus, Verdict } from './authenticator.ts'
import { DoorSet } from './door-set.ts'
import type { DoorOf, DoorState } from './door-set.ts'
import { boundedBy } from './vouched.ts'
import type { Judged, Vouched } from './vouched.ts'

/** A refusal that is not worth a line in the log. */
export const REFUSED: Refusal = { refused: undefined }

/** The answer for a door that is not in force. */
export const NO_DOOR: Judged = { refusal: 'there is no such door' }

/** A door that sequences open, and what is known of its secret. */
export interface GateDoor extends DoorState {
  /** Yields the sequences that open the door now. */
  sequences(): Iterable<GateSequence>
  /** Uses a sequence up. Never rejects. @returns the mark of the new holder, or the reason why the door stays shut */
  redeem(proof: GateSequence): Promise<string | Refusal>
  mayHold(held: Held): Verdict
  /** Returns the mark of a user whom another host vouches for, or the reason why the door stays shut. */
  holderFor(user: string | undefined): string | { readonly refusal: string }
  readonly status: SecretStatus
  readonly files: readonly string[]
}

/** An authenticator for secrets that are sequences of the gate. */
export class GateAuthenticator<Kind extends Door['secret']['kind'], State extends GateDoor> implements Authenticator {
  readonly needs = undefined
  readonly #doors = new DoorSet<DoorOf<Kind>, State>()

  readonly #make: Parameters<DoorSet<DoorOf<Kind>, State>['replace']>[1]

  /** @param make makes the state of a door, as for {@link DoorSet.replace} */
  constructor(make: Parameters<DoorSet<DoorOf<Kind>, State>['replace']>[1]) {
    this.#make = make
  }

  replace(doors: readonly Door[]): void {
    this.#doors.replace(doors as readonly DoorOf<Kind>[], this.#make)
  }

  *sequences(): Generator<GateSequence> {
    for (const door of this.#doors) yield* door.sequences()
  }

  offer(): boolean {
    return false
  }

  async redeem({ door: name, source, protocol, port, proof }: Claim): Promise<Redeemed> {
    const redeemed = await this.#doors.find(name)?.state.redeem(proof)
    if (typeof redeemed === 'object') return redeemed
    // A reload may have changed the door meanwhile.
    const door = this.#doors.find(name)?.door
    if (redeemed === undefined || door === undefined) return REFUSED
    return { door, source, ms: door.cmdTimeoutMs, user: proof.user, holder: redeemed, protocol, port }
  }

  mayHold(held: Held): Verdict {
    return this.#doors.find(held.door)?.state.mayHold(held) ?? 'unknown'
  }

  grantFor(vouched: Vouched): Judged {
    const there = this.#doors.find(vouched.door)
    if (there === undefined) return NO_DOOR
    const bounded = boundedBy(there.door, vouched)
    const { user } = vouched
    const holder = there.state.holderFor(user)
    return typeof holder === 'object' ? holder : 'refusal' in bounded ? bounded : { ...bounded, user, holder }
  }

  nextExpiry(): number {
    return Infinity
  }

  files(): readonly string[] {
    return this.states.flatMap(({ files }) => files)
  }

  refresh(folder: string): void {
    for (const state of this.states) if (areBelow(folder, state.files)) state.refresh()
  }

  status(door: string): SecretStatus {
    return this.find(door)?.status ?? {}
  }

  async close(): Promise<void> {
    await this.#doors.close()
  }

  protected find(door: string): State | undefined {
    return this.#doors.find(door)?.state
  }

  protected get states(): readonly State[] {
    return [...this.#doors]
  }
}

/** Returns true if one of the paths is below a folder. */
export function areBelow(folder: string, paths: readonly string[]): boolean {
  return paths.some((path) => path.startsWith(`${folder}/`))
}

/**
 * Returns the refusal of a secret that the ledger did not let win.
 *
 * @param what the kind of secret, as in `code`
 */
export function refusalOf(
  door: string,
  what: 'code' | 'sequence',
  redemption: Exclude<Redemption, 'won'>,
  user?: string,
): Refusal {
  if (redemption === 'lost') return { refused: { kind: 'used-before', door, user, secret: what } }
  const reason = `cannot mark its ${what} as used`
  return { refused: { kind: 'refused', level: 'error', door, user, reason, cause: redemption.unavailable } }
}
