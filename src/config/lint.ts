import type { DoorText } from './door.ts'
import type { Facts } from './facts.ts'
import type { FaultList } from '../text/fault.ts'
import { Fallbacks, warnOfCommands } from './lint-command.ts'
import { CodeDoors } from './lint-code.ts'
import { Files } from './lint-file.ts'
import { warnOfAlwaysAllow } from './lint-allow.ts'
import { GuardedKnocks } from './lint-guarded.ts'
import { warnOfPrograms } from './lint-program.ts'
import { warnOfKnocks, warnOfSequence } from './lint-sequence.ts'
import type { OptionsRead } from './options.ts'
import { Overlaps } from './overlap.ts'

/**
 * Warns of problems in a config that is valid. It takes the doors one by one. Without facts it checks the text only.
 */
export class Lint {
  readonly #facts: Facts | undefined
  readonly #faults: FaultList
  readonly #overlaps: Overlaps
  readonly #guarded: GuardedKnocks
  readonly #fallbacks: Fallbacks
  readonly #files: Files | undefined
  readonly #codes: CodeDoors | undefined

  constructor(file: string, facts: Facts | undefined, faults: FaultList) {
    this.#facts = facts
    this.#faults = faults
    this.#overlaps = new Overlaps(faults)
    this.#guarded = new GuardedKnocks(faults)
    this.#fallbacks = new Fallbacks(faults)
    this.#files = facts === undefined ? undefined : new Files(file, facts, faults)
    this.#codes = facts === undefined ? undefined : new CodeDoors(facts)
  }

  door(door: DoorText): void {
    warnOfSequence(door, this.#facts, this.#faults)
    warnOfKnocks(door, this.#faults)
    if (this.#facts?.program !== undefined) warnOfPrograms(door, this.#facts.program, this.#faults)
    this.#guarded.add(door)
    warnOfCommands(door, this.#faults)
    this.#overlaps.add(door)
    this.#fallbacks.add(door)
    this.#files?.add(door)
    this.#codes?.add(door, this.#faults)
  }

  /** Reports the warnings that need all doors. */
  end(read: OptionsRead): void {
    warnOfAlwaysAllow(read, this.#faults)
    this.#codes?.end(read, this.#faults)
    this.#overlaps.end()
    this.#guarded.end(read)
    this.#fallbacks.end()
    this.#files?.end()
  }
}
