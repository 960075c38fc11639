import { KNOCKS, knockKey } from './sequence.ts'
import type { GateSequence } from './sequence.ts'
import { Stage } from './stage.ts'
import { sameTerms } from './terms.ts'

const NO_STAGES: readonly Stage[] = []

/** All sequences as a tree of stages. One array read finds the stages of a first knock. */
export class Sequences {
  /** An index into `#roots` for each knock; 0 if no sequence begins with it. */
  readonly #firsts = new Int32Array(KNOCKS)
  readonly #roots: Stage[][] = [[]]
  readonly #freeRoots: number[] = []
  readonly #stages: (Stage | undefined)[] = []
  readonly #freeStages: number[] = []
  /** The number of positions in sequences that each knock has. */
  readonly #places = new Int32Array(KNOCKS)
  /**
   * For each door, the number of sequences that a port scan could complete; and the number of codes without knocks
   * before them.
   */
  readonly #scannableDoors = new Map<string, number>()
  #bareCodes = 0

  /** Returns true if a port scan could complete a sequence. */
  get anyScannable(): boolean {
    return this.#scannableDoors.size > 0
  }

  /** Returns true if there is a code without knocks before it. */
  get anyBareCode(): boolean {
    return this.#bareCodes > 0
  }

  /** The names of the doors with a sequence that a port scan could complete, without duplicates. */
  get scannableDoors(): readonly string[] {
    return [...this.#scannableDoors.keys()]
  }

  /** Returns true if the knock is part of any sequence. */
  has(key: number): boolean {
    return this.#places[key]! > 0
  }

  /** Returns the stage with this number. The stage must exist or have attempts. */
  stage(id: number): Stage {
    return this.#stages[id]!
  }

  /** Counts an attempt at the stage. */
  enter(stage: Stage): void {
    stage.attempts++
  }

  /** Removes an attempt from the stage's count. */
  exit(stage: Stage): void {
    stage.attempts--
    if (stage.gone && stage.attempts === 0) this.#release(stage)
  }

  /** Returns the first stages of this knock, one for each set of terms. */
  begin(key: number): readonly Stage[] {
    const index = this.#firsts[key]!
    return index === 0 ? NO_STAGES : this.#roots[index]!
  }

  add(sequence: GateSequence): void {
    this.#count(sequence, 1)
    let stage: Stage | undefined
    for (const [index, knock] of sequence.knocks.entries()) {
      const key = knockKey(knock.protocol, knock.port)
      let next: Stage | undefined =
        stage === undefined ? this.begin(key).find((root) => sameTerms(root.terms, sequence.terms)) : stage.next(key)
      if (next === undefined) {
        next = new Stage(stage, key, sequence.terms)
        this.#number(next)
        if (stage === undefined) this.#addRoot(next)
        else stage.link(next)
      }
      next.join(sequence, index === sequence.knocks.length - 1)
      stage = next
    }
  }

  /** Removes a sequence. A sequence that was never added changes nothing. */
  remove(sequence: GateSequence): void {
    const way: Stage[] = []
    for (const knock of sequence.knocks) {
      const key = knockKey(knock.protocol, knock.port)
      const last = way.at(-1)
      const next =
        last === undefined ? this.begin(key).find((root) => sameTerms(root.terms, sequence.terms)) : last.next(key)
      if (next === undefined) return
      way.push(next)
    }
    if (!way.at(-1)?.complete.includes(sequence)) return
    this.#count(sequence, -1)
    for (const stage of way.toReversed()) {
      stage.leave(sequence)
      if (stage.empty) this.#forget(stage)
    }
  }

  #count({ door, knocks, scannable, code }: GateSequence, by: 1 | -1): void {
    for (const { protocol, port } of knocks) this.#places[knockKey(protocol, port)]! += by
    if (code === 0) this.#bareCodes += by
    if (!scannable) return
    const count = (this.#scannableDoors.get(door) ?? 0) + by
    if (count > 0) this.#scannableDoors.set(door, count)
    else this.#scannableDoors.delete(door)
  }

  #number(stage: Stage): void {
    stage.id = this.#freeStages.pop() ?? this.#stages.length
    this.#stages[stage.id] = stage
  }

  #addRoot(stage: Stage): void {
    let index = this.#firsts[stage.key]!
    if (index === 0) {
      index = this.#freeRoots.pop() ?? this.#roots.length
      this.#roots[index] = []
      this.#firsts[stage.key] = index
    }
    this.#roots[index]!.push(stage)
  }

  #release(stage: Stage): void {
    this.#stages[stage.id] = undefined
    this.#freeStages.push(stage.id)
  }

  #forget(stage: Stage): void {
    stage.gone = true
    if (stage.attempts === 0) this.#release(stage)
    if (stage.parent !== undefined) {
      stage.parent.unlink(stage)
      return
    }
    const index = this.#firsts[stage.key]!
    const roots = this.#roots[index]!
    roots.splice(roots.indexOf(stage), 1)
    if (roots.length > 0) return
    this.#firsts[stage.key] = 0
    this.#freeRoots.push(index)
  }
}
