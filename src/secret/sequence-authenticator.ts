import { formatSequence } from '../config/sequence.ts'
import type { Held } from '../door/held.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Refusal, Verdict } from './authenticator.ts'
import type { AuthenticatorDeps } from './deps.ts'
import type { DoorOf } from './door-set.ts'
import { GateAuthenticator, REFUSED } from './gate-authenticator.ts'
import type { GateDoor } from './gate-authenticator.ts'
import { gateSequenceOf } from './gate-sequence.ts'

/** Doors with a fixed sequence, as in knockd. The sequence can be used again and again. */
export class SequenceAuthenticator extends GateAuthenticator<'sequence', SequenceDoor> {
  constructor(deps: AuthenticatorDeps) {
    super((door) => new SequenceDoor(door, deps))
  }
}

class SequenceDoor implements GateDoor {
  readonly files = []
  readonly status = {}
  readonly #deps: AuthenticatorDeps
  readonly #sequence: GateSequence

  constructor(door: DoorOf<'sequence'>, deps: AuthenticatorDeps) {
    this.#deps = deps
    this.#sequence = gateSequenceOf(door, door.secret.knocks)
    deps.gate.add(this.#sequence)
  }

  sequences(): readonly GateSequence[] {
    return [this.#sequence]
  }

  async redeem(proof: GateSequence): Promise<string | Refusal> {
    return await Promise.resolve(proof === this.#sequence ? this.#mark : REFUSED)
  }

  mayHold({ holder }: Held): Verdict {
    if (holder === undefined) return 'unknown'
    return holder === this.#mark ? 'may' : 'may not'
  }

  /** The sequence is the same for all users, so the user does not matter. */
  holderFor(): string {
    return this.#mark
  }

  refresh(): void {
    // The config is the only file.
  }

  close(): void {
    this.#deps.gate.remove(this.#sequence)
  }

  get #mark(): string {
    return this.#deps.marks.mark('sequence', formatSequence(this.#sequence.knocks))
  }
}
