import { keyOf } from './knock-key.ts'
import type { GateSequence } from './sequence.ts'

/**
 * The sequences that pass through a stage with several of them. A door of many users has thousands, so no packet and no
 * new code walks through them all.
 */
export class SequenceSet {
  readonly #sequences = new Set<GateSequence>()
  /** The number of sequences for each door, oldest door first. */
  readonly #counts = new Map<string, number>()
  /** The number of sequences that contain each knock, filled on first use. */
  #knocks: Map<number, number> | undefined
  #doors: readonly string[] | undefined

  /** The names of the doors, without duplicates. */
  get doors(): readonly string[] {
    this.#doors ??= [...this.#counts.keys()]
    return this.#doors
  }

  /** Returns true if one of the sequences contains the knock, at any position. */
  owns(key: number): boolean {
    if (this.#knocks === undefined) {
      this.#knocks = new Map()
      for (const sequence of this.#sequences) countKnocks(this.#knocks, sequence, 1)
    }
    return this.#knocks.has(key)
  }

  add(sequence: GateSequence): void {
    this.#sequences.add(sequence)
    const before = this.#counts.get(sequence.door) ?? 0
    this.#counts.set(sequence.door, before + 1)
    if (before === 0) this.#doors = undefined
    if (this.#knocks !== undefined) countKnocks(this.#knocks, sequence, 1)
  }

  /** Removes a sequence. Returns the remaining one if there is exactly one. */
  remove(sequence: GateSequence): GateSequence | undefined {
    if (!this.#sequences.delete(sequence)) return undefined
    const left = this.#counts.get(sequence.door)! - 1
    if (left > 0) {
      this.#counts.set(sequence.door, left)
    } else {
      this.#counts.delete(sequence.door)
      this.#doors = undefined
    }
    if (this.#knocks !== undefined) countKnocks(this.#knocks, sequence, -1)
    if (this.#sequences.size > 1) return undefined
    const [last] = this.#sequences
    return last
  }
}

/** Returns true if a sequence contains the knock, at any position. */
export function has(sequence: GateSequence, key: number): boolean {
  return sequence.knocks.some((knock) => keyOf(knock) === key)
}

/** Adds to a count. A count of 0 is removed. */
export function count<Key>(counts: Map<Key, number>, key: Key, by: 1 | -1): void {
  const after = (counts.get(key) ?? 0) + by
  if (after > 0) counts.set(key, after)
  else counts.delete(key)
}

function countKnocks(counts: Map<number, number>, { knocks }: GateSequence, by: 1 | -1): void {
  for (const knock of knocks) count(counts, keyOf(knock), by)
}
