import { KNOCKS, knockKey } from './secret.ts'
import type { Secret } from './secret.ts'
import { Stage } from './stage.ts'
import { sameTerms } from './terms.ts'

const NO_STAGES: readonly Stage[] = []

/** All sequences as a tree of stages, found by first knock through one array read. */
export class Sequences {
  /** For each knock, an index into `#roots`; 0: no sequence begins with it. */
  readonly #firsts = new Int32Array(KNOCKS)
  readonly #roots: Stage[][] = [[]]
  readonly #freeRoots: number[] = []
  readonly #stages: (Stage | undefined)[] = []
  readonly #freeStages: number[] = []
  /** For each knock, at how many places of sequences it stands. */
  readonly #places = new Int32Array(KNOCKS)
  /** Sequences of each door that a port scan could make in passing, and codes with no knocks before them. */
  readonly #scannableDoors = new Map<string, number>()
  #bareCodes = 0

  /** Whether there is a sequence that a port scan could make in passing. */
  get anyScannable(): boolean {
    return this.#scannableDoors.size > 0
  }

  /** Whether there is a code with no knocks before it. */
  get anyBareCode(): boolean {
    return this.#bareCodes > 0
  }

  /** Names of the doors with such a sequence, each once. */
  get scannableDoors(): readonly string[] {
    return [...this.#scannableDoors.keys()]
  }

  /** Whether the knock is part of any sequence. */
  has(key: number): boolean {
    return this.#places[key]! > 0
  }

  /** The stage with this number: one that `enter` counts an attempt at. */
  stage(id: number): Stage {
    return this.#stages[id]!
  }

  /** Notes that one attempt more stands at the stage. */
  enter(stage: Stage): void {
    stage.attempts++
  }

  /** Notes that an attempt at the stage has ended. */
  exit(stage: Stage): void {
    stage.attempts--
    if (stage.gone && stage.attempts === 0) this.#release(stage)
  }

  /** The first stages that this knock leads to, one for each of the terms it may be made under. */
  begin(key: number): readonly Stage[] {
    const index = this.#firsts[key]!
    return index === 0 ? NO_STAGES : this.#roots[index]!
  }

  /** Adds a sequence. */
  add(secret: Secret): void {
    this.#count(secret, 1)
    let stage: Stage | undefined
    for (const [index, knock] of secret.knocks.entries()) {
      const key = knockKey(knock.protocol, knock.port)
      let next: Stage | undefined =
        stage === undefined ? this.begin(key).find((root) => sameTerms(root.terms, secret.terms)) : stage.next(key)
      if (next === undefined) {
        next = new Stage(stage, key, secret.terms)
        this.#number(next)
        if (stage === undefined) this.#addRoot(next)
        else stage.link(next)
      }
      next.join(secret, index === secret.knocks.length - 1)
      stage = next
    }
  }

  /** Takes a sequence out; one that was never added changes nothing. */
  remove(secret: Secret): void {
    const way: Stage[] = []
    for (const knock of secret.knocks) {
      const key = knockKey(knock.protocol, knock.port)
      const last = way.at(-1)
      const next =
        last === undefined ? this.begin(key).find((root) => sameTerms(root.terms, secret.terms)) : last.next(key)
      if (next === undefined) return
      way.push(next)
    }
    if (!way.at(-1)?.complete.includes(secret)) return
    this.#count(secret, -1)
    for (const stage of way.toReversed()) {
      stage.leave(secret)
      if (stage.empty) this.#forget(stage)
    }
  }

  #count({ door, knocks, scannable, code }: Secret, by: 1 | -1): void {
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
