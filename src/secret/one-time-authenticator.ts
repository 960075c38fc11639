import type { Held } from '../door/held.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { OneTimeLeft } from './one-time-list.ts'
import type { Refusal, SecretStatus, Verdict } from './authenticator.ts'
import type { AuthenticatorDeps } from './deps.ts'
import type { DoorOf } from './door-set.ts'
import { GateAuthenticator } from './gate-authenticator.ts'
import type { GateDoor } from './gate-authenticator.ts'
import { MarksInForce } from './marks-in-force.ts'
import { SequenceList } from './sequence-list.ts'

/** Doors with an operator's list of one-time sequences. */
export class OneTimeAuthenticator extends GateAuthenticator<'one-time', OneTimeDoor> {
  constructor(deps: AuthenticatorDeps) {
    super((door, before) => new OneTimeDoor(door, deps, before?.known))
  }
}

class OneTimeDoor implements GateDoor {
  readonly #deps: AuthenticatorDeps
  readonly #list: SequenceList
  readonly #inForce = new MarksInForce(() => [...(this.known?.rests ?? [])].map((rest) => this.#markOf(rest)))
  readonly files: readonly string[]

  constructor(door: DoorOf<'one-time'>, deps: AuthenticatorDeps, before: OneTimeLeft | undefined) {
    this.#deps = deps
    const { path, lowWater } = door.secret
    this.files = [path]
    const changed = (): void => {
      this.#inForce.renew()
      deps.holdersChanged()
    }
    this.#list = new SequenceList({ ...deps, door, path, lowWater, changed, before })
    this.#list.refresh()
  }

  /** The list as it was last read successfully, or `undefined` if it never was. */
  get known(): OneTimeLeft | undefined {
    return this.#list.known
  }

  get status(): SecretStatus {
    return { left: this.#list.left }
  }

  *sequences(): Generator<GateSequence> {
    if (this.#list.sequence !== undefined) yield this.#list.sequence
  }

  async redeem(proof: GateSequence): Promise<string | Refusal> {
    const redeemed = await this.#list.redeem(proof)
    return 'refused' in redeemed ? redeemed : this.#markOf(redeemed.rest)
  }

  /** Lets a holder keep the door if its line is still in the list. The line may be marked as used since. */
  mayHold({ holder }: Held): Verdict {
    if (holder === this.holderFor()) return 'may'
    return this.known === undefined || holder === undefined ? 'unknown' : this.#inForce.judge(holder)
  }

  /** The sequence was one of another host's list. */
  holderFor(): string {
    return this.#deps.marks.mark('one-time', 'vouched')
  }

  refresh(): void {
    this.#list.refresh()
  }

  close(): void {
    this.#list.close()
  }

  #markOf(rest: string): string {
    return this.#deps.marks.mark('one-time', rest)
  }
}
