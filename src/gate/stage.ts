import { meets } from './knock-key.ts'
import { SequenceSet, has } from './sequence-set.ts'
import type { GateSequence } from './sequence.ts'
import type { Terms } from './terms.ts'

/**
 * A stage is a node in the tree of sequences. All sequences through it begin with the same knocks. Sequences that begin
 * alike, under the same terms, share their stages until they part.
 */
export class Stage {
  /** The number of knocks that lead here. */
  readonly depth: number
  readonly parent: Stage | undefined
  /** The stage of the first knock on the path to this stage. */
  readonly root: Stage
  /** The knock that leads here from the parent. */
  readonly key: number
  readonly terms: Terms
  /** The index in the table of stages. */
  id = -1
  /** True if no sequence passes through this stage. Its number stays in use until its last attempt has ended. */
  gone = false
  /** The number of attempts at this stage. */
  attempts = 0
  /** The number of sequences through this stage that no port scan could complete. */
  unscannable = 0
  /** The number of sequences through this stage that lack only a code, and of those with knocks before the code. */
  codes = 0
  codesBehind = 0
  /** The sequences that end at this stage. */
  readonly complete: GateSequence[] = []
  /** The only next stage and its knock. Most stages have one; a map for each would cost more than everything else. */
  #onlyKey = -1
  #only: Stage | undefined
  #more: Map<number, Stage> | undefined
  /** The sequences through this stage, including those that end here. Most stages have only one. */
  #sole: GateSequence | undefined
  #several: SequenceSet | undefined

  constructor(parent: Stage | undefined, key: number, terms: Terms) {
    this.parent = parent
    this.root = parent?.root ?? this
    this.depth = (parent?.depth ?? 0) + 1
    this.key = key
    this.terms = terms
  }

  /** Returns true if there is a next stage. */
  get leadsOn(): boolean {
    return this.#only !== undefined || this.#more !== undefined
  }

  /** Returns true if there are several next stages. */
  get parts(): boolean {
    return this.#more !== undefined
  }

  /** Returns true if no sequence passes through this stage. */
  get empty(): boolean {
    return this.#sole === undefined && this.#several === undefined
  }

  /** The names of the doors that the sequences through this stage open, without duplicates, oldest first. */
  get doors(): readonly string[] {
    return this.#sole === undefined ? (this.#several?.doors ?? []) : [this.#sole.door]
  }

  /** Returns the stage that this knock leads to. */
  next(key: number): Stage | undefined {
    return this.#onlyKey === key ? this.#only : this.#more?.get(key)
  }

  /** Returns true if the knock is in a sequence through this stage, at any position. */
  owns(key: number): boolean {
    return this.#sole === undefined ? (this.#several?.owns(key) ?? false) : has(this.#sole, key)
  }

  /** Returns true if the knock is one of those that lead here. */
  passed(key: number): boolean {
    return this.key === key || (this.parent?.passed(key) ?? false)
  }

  /** Returns how many of the knocks that lead here can be the same packet as this one. */
  times(key: number): number {
    return (meets(this.key, key) ? 1 : 0) + (this.parent?.times(key) ?? 0)
  }

  /**
   * Returns true if an attempt at this stage consists of knocks of the attempt at `other`, and began during it. Each
   * port was hit only for the other attempt while that was in progress. An attempt that began earlier therefore has its
   * own first port once more than the other has. Doors with different flags are assumed to count the same packets.
   */
  isMadeOf(other: Stage): boolean {
    const first = this.root.key
    const most = other.times(first) - (meets(other.root.key, first) ? 1 : 0)
    return this.times(first) <= most && this.leadsOver(other)
  }

  /** Returns true if the packet of every knock that leads here can also lead to `other`. */
  leadsOver(other: Stage): boolean {
    return other.times(this.key) > 0 && (this.parent?.leadsOver(other) ?? true)
  }

  /** Returns true if this stage is `other` or comes after it. */
  under(other: Stage): boolean {
    if (this.depth <= other.depth) return this === other
    return this.parent!.under(other)
  }

  /** Adds a next stage. */
  link(stage: Stage): void {
    if (!this.leadsOn) {
      this.#only = stage
      this.#onlyKey = stage.key
      return
    }
    if (this.#more === undefined) {
      this.#more = new Map([[this.#onlyKey, this.#only!]])
      this.#only = undefined
      this.#onlyKey = -1
    }
    this.#more.set(stage.key, stage)
  }

  /** Removes a next stage. */
  unlink(stage: Stage): void {
    if (this.#only === stage) {
      this.#only = undefined
      this.#onlyKey = -1
      return
    }
    this.#more!.delete(stage.key)
    if (this.#more!.size === 1) {
      const [last] = this.#more!.values()
      this.#only = last!
      this.#onlyKey = last!.key
      this.#more = undefined
    }
  }

  /** Adds a sequence that passes through this stage. */
  join(sequence: GateSequence, ends: boolean): void {
    if (ends) this.complete.push(sequence)
    this.#count(sequence, 1)
    if (this.empty) {
      this.#sole = sequence
      return
    }
    if (this.#several === undefined) {
      this.#several = new SequenceSet()
      this.#several.add(this.#sole!)
      this.#sole = undefined
    }
    this.#several.add(sequence)
  }

  /** Removes a sequence from this stage. */
  leave(sequence: GateSequence): void {
    const end = this.complete.indexOf(sequence)
    if (end >= 0) this.complete.splice(end, 1)
    this.#count(sequence, -1)
    if (this.#several === undefined) {
      if (this.#sole === sequence) this.#sole = undefined
      return
    }
    const last = this.#several.remove(sequence)
    if (last === undefined) return
    this.#sole = last
    this.#several = undefined
  }

  #count({ scannable, code }: GateSequence, by: 1 | -1): void {
    if (!scannable) this.unscannable += by
    if (code === undefined || code > this.depth) return
    this.codes += by
    if (code > 0) this.codesBehind += by
  }
}
