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
    for (const stage of way.toReversed()) {
      stage.leave(secret)
      if (stage.empty) this.#forget(stage)
    }
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
