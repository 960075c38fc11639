import type { Gate } from '../gate/gate.ts'
import type { GateSequence } from '../gate/sequence.ts'

/**
 * The codes of all users of one door. If two users have the same code at the same time, it opens nothing. The daemon
 * could not tell which user came, and one user would consume the other's code.
 */
export class SharedCodes {
  readonly #gate: Pick<Gate, 'add' | 'remove'>
  readonly #clash: (users: readonly (string | undefined)[]) => void
  readonly #byKnocks = new Map<string, GateSequence[]>()

  /** @param clash called with the users who share a code */
  constructor(gate: Pick<Gate, 'add' | 'remove'>, clash: (users: readonly (string | undefined)[]) => void) {
    this.#gate = gate
    this.#clash = clash
  }

  add(sequence: GateSequence): void {
    const key = keyOf(sequence)
    const there = this.#byKnocks.get(key)
    if (there === undefined) {
      this.#byKnocks.set(key, [sequence])
      this.#gate.add(sequence)
      return
    }
    for (const other of there) this.#gate.remove(other)
    there.push(sequence)
    if (new Set(there.map(({ user }) => user)).size > 1) this.#clash(there.map(({ user }) => user))
  }

  /** Removes a sequence. The gate may have forgotten it already. */
  remove(sequence: GateSequence): void {
    const key = keyOf(sequence)
    const there = this.#byKnocks.get(key)
    if (there === undefined || !there.includes(sequence)) return
    this.#gate.remove(sequence)
    const left = there.filter((other) => other !== sequence)
    if (left.length === 0) this.#byKnocks.delete(key)
    else this.#byKnocks.set(key, left)
  }
}

function keyOf({ knocks }: GateSequence): string {
  return knocks.map(({ protocol, port }) => `${protocol} ${port}`).join()
}
