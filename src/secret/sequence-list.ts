import type { Door, Knock } from '../config/config.ts'
import { WatchedFile } from '../file/watched-file.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { OneTimeList } from './one-time-list.ts'
import type { OneTimeLeft, OneTimeRedeemed } from './one-time-list.ts'
import type { Refusal } from './authenticator.ts'
import type { AuthenticatorDeps } from './deps.ts'
import { refusalOf } from './gate-authenticator.ts'
import { gateSequenceOf } from './gate-sequence.ts'
import { Warning } from './warning.ts'

/** The dependencies of a list of one-time sequences. */
export interface SequenceListDeps extends Pick<
  AuthenticatorDeps,
  'gate' | 'ledger' | 'log' | 'needsChanged' | 'isReadOnly'
> {
  readonly door: Door
  readonly path: string
  /** The number of sequences left at which a warning is logged; 0 for no warning. */
  readonly lowWater: number
  /** Called when the list or its lines have changed. Someone who holds the door may have lost access. */
  readonly changed: () => void
  /** The list when it was last read successfully. */
  readonly before?: OneTimeLeft | undefined
}

const NOTHING: OneTimeLeft = {
  next: undefined,
  sequences: [],
  left: 0,
  usedAgain: 0,
  rests: new Set(),
  name: undefined,
}

/** A watched list of one-time sequences. The gate knows only the next one. */
export class SequenceList {
  readonly #deps: SequenceListDeps
  readonly #list: OneTimeList
  readonly #file: WatchedFile<OneTimeLeft>
  readonly #warning: Warning
  readonly #unlearn: (() => void) | undefined
  #sequence: GateSequence | undefined
  #left: OneTimeLeft = NOTHING
  #redeeming = 0

  constructor(deps: SequenceListDeps) {
    this.#deps = deps
    const { door, path, ledger, log, changed, before } = deps
    this.#list = new OneTimeList(door.name, path, ledger, { isMarked: deps.isReadOnly !== true })
    this.#warning = new Warning(log)
    this.#file = new WatchedFile({
      path,
      before,
      isReadOnce: deps.isReadOnly,
      read: () => this.#list.read(),
      changed: (left) => {
        this.#give(left)
        changed()
      },
      failed: (error) => this.#give(NOTHING, error.message),
      unwatched: (error) => log.notice('warning', `${door.name}: ${path} is not watched: ${error.message}`),
      // A redemption in progress reads the list itself and then gives the gate the next sequence.
      ready: () => this.#redeeming === 0,
    })
    // Another host may have used the next sequence up.
    this.#unlearn = ledger.learned?.(() => {
      const { next } = this.#left
      if (next !== undefined && this.#list.wasUsed(next)) this.#follow()
    })
  }

  /** The sequence that opens the door now. */
  get sequence(): GateSequence | undefined {
    return this.#sequence
  }

  get left(): number {
    return this.#left.left
  }

  /** The sequences left, the next one first. */
  get sequences(): readonly (readonly Knock[])[] {
    return this.#left.sequences
  }

  /** The list as it was last read successfully, or `undefined` if it never was. */
  get known(): OneTimeLeft | undefined {
    return this.#file.state
  }

  /** Reads the list again and gives the gate its first unused sequence. */
  refresh(): void {
    if (this.#redeeming === 0) this.#file.refresh()
  }

  /** Marks the sequence of a knock as used, durably. The gate no longer has the sequence at this point. */
  async redeem(proof: GateSequence): Promise<OneTimeRedeemed | Refusal> {
    const { name } = this.#deps.door
    if (this.#sequence === proof) this.#sequence = undefined
    this.#redeeming++
    let outcome
    try {
      const redeemed = await this.#list.redeem(proof.knocks)
      ;({ outcome } = redeemed)
      if (redeemed.outcome === 'redeemed') return redeemed
      if (redeemed.outcome === 'used') return refusalOf(name, 'sequence', 'lost')
      const what = 'this sequence is no longer in the list'
      return { refused: { kind: 'trouble', level: 'warning', door: name, what } }
    } catch (error) {
      return refusalOf(name, 'sequence', { unavailable: (error as Error).message })
    } finally {
      this.#redeeming--
      // In a fleet that is no old copy of the file: another host was faster.
      if (outcome === 'used' && this.#deps.door.scope === 'fleet') this.#follow()
      else this.refresh()
    }
  }

  /** Removes the sequence from the gate and stops watching the list. */
  close(): void {
    this.#unlearn?.()
    this.#file.close()
    if (this.#sequence !== undefined) this.#deps.gate.remove(this.#sequence)
    this.#sequence = undefined
  }

  /** Marks what other hosts have used, and gives the gate the next sequence. */
  #follow(): void {
    // A sequence that is being used up here may still be refused.
    if (this.#redeeming > 0) return
    try {
      this.#list.markUsed()
    } catch {
      // The ledger knows of them, and the next redemption says why the file cannot be written.
    }
    this.refresh()
  }

  #give(left: OneTimeLeft, cause?: string): void {
    const { door, gate, lowWater, needsChanged } = this.#deps
    const { next } = left
    this.#left = left
    const before = JSON.stringify(this.#sequence?.knocks)
    const usedAgain = left.usedAgain > 0
    const isGood = next !== undefined && !usedAgain && left.left > lowWater
    this.#warning.set(isGood ? undefined : { kind: 'list', door: door.name, left: left.left, usedAgain, cause })
    if (before === JSON.stringify(next)) return
    if (this.#sequence !== undefined) gate.remove(this.#sequence)
    this.#sequence = next === undefined ? undefined : gateSequenceOf(door, next, { once: true })
    if (this.#sequence !== undefined) gate.add(this.#sequence)
    needsChanged()
  }
}
