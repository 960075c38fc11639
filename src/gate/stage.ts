import { Company, has } from './company.ts'
import type { Secret } from './secret.ts'
import type { Terms } from './terms.ts'

/**
 * A place in the tree of sequences: the knocks that lead here are what the sequences through it have in common.
 * Sequences that begin alike, under the same terms, are one path until they part.
 */
export class Stage {
  /** How many knocks lead here. */
  readonly depth: number
  readonly parent: Stage | undefined
  /** The stage of the first knock on the way here. */
  readonly root: Stage
  /** The knock that leads here from the parent. */
  readonly key: number
  readonly terms: Terms
  /** Index in the table of stages. */
  id = -1
  /** No sequence runs through here any more; the number stays taken until the last attempt here has ended. */
  gone = false
  /** Attempts that stand here. */
  attempts = 0
  /** Sequences through here that no port scan makes in passing. */
  unscannable = 0
  /** Sequences through here of which only a code is missing, and those of them with knocks before the code. */
  codes = 0
  codesBehind = 0
  /** Sequences that end here. */
  readonly complete: Secret[] = []
  /** Most stages lead on to one other only; a map each would cost more than all the rest. */
  #onlyKey = -1
  #only: Stage | undefined
  #more: Map<number, Stage> | undefined
  /** Sequences through here, those that end here among them. Of most stages there is only one. */
  #sole: Secret | undefined
  #several: Company | undefined

  constructor(parent: Stage | undefined, key: number, terms: Terms) {
    this.parent = parent
    this.root = parent?.root ?? this
    this.depth = (parent?.depth ?? 0) + 1
    this.key = key
    this.terms = terms
  }

  /** Whether other knocks lead on from here. */
  get leadsOn(): boolean {
    return this.#only !== undefined || this.#more !== undefined
  }

  /** Whether the sequences through here part here: more than one knock leads on. */
  get parts(): boolean {
    return this.#more !== undefined
  }

  /** Whether no sequence runs through here. */
  get empty(): boolean {
    return this.#sole === undefined && this.#several === undefined
  }

  /** Names of the doors that the sequences through here open, each once, the oldest first. */
  get doors(): readonly string[] {
    return this.#sole === undefined ? (this.#several?.doors ?? []) : [this.#sole.door]
  }

  /** The stage that this knock leads to. */
  next(key: number): Stage | undefined {
    return this.#onlyKey === key ? this.#only : this.#more?.get(key)
  }

  /** Whether the knock is part of a sequence through here, at whatever place. */
  owns(key: number): boolean {
    return this.#sole === undefined ? (this.#several?.owns(key) ?? false) : has(this.#sole, key)
  }

  /** Whether the knock is one of those that lead here. */
  passed(key: number): boolean {
    return this.key === key || (this.parent?.passed(key) ?? false)
  }

  /** How many of the knocks that lead here are this one. */
  times(key: number): number {
    return (this.key === key ? 1 : 0) + (this.parent?.times(key) ?? 0)
  }

  /**
   * Whether an attempt here began amid one of the same source that is at `other` now, and all of its knocks were knocks of
   * that one. While that one was under way, each of its ports was hit for it alone; so an attempt that began before it has
   * the port of its own first knock once more than it has. Doors that want other flags are taken to count the same packets.
   */
  isMadeOf(other: Stage): boolean {
    const first = this.root.key
    const most = other.times(first) - (other.root.key === first ? 1 : 0)
    return this.times(first) <= most && this.leadsOver(other)
  }

  /** Whether every knock that leads here is one of those that lead to `other`. */
  leadsOver(other: Stage): boolean {
    return other.passed(this.key) && (this.parent?.leadsOver(other) ?? true)
  }

  /** Whether this stage is `other`, or lies on a way through it. */
  under(other: Stage): boolean {
    if (this.depth <= other.depth) return this === other
    return this.parent!.under(other)
  }

  /** Adds a way on. */
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

  /** Takes a way on out again. */
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

  /** Notes that a sequence runs through here. */
  join(secret: Secret, ends: boolean): void {
    if (ends) this.complete.push(secret)
    this.#count(secret, 1)
    if (this.empty) {
      this.#sole = secret
      return
    }
    if (this.#several === undefined) {
      this.#several = new Company()
      this.#several.add(this.#sole!)
      this.#sole = undefined
    }
    this.#several.add(secret)
  }

  /** Notes that one that has joined runs through here no longer. */
  leave(secret: Secret): void {
    const end = this.complete.indexOf(secret)
    if (end >= 0) this.complete.splice(end, 1)
    this.#count(secret, -1)
    if (this.#several === undefined) {
      if (this.#sole === secret) this.#sole = undefined
      return
    }
    const last = this.#several.remove(secret)
    if (last === undefined) return
    this.#sole = last
    this.#several = undefined
  }

  #count({ scannable, code }: Secret, by: 1 | -1): void {
    if (!scannable) this.unscannable += by
    if (code === undefined || code > this.depth) return
    this.codes += by
    if (code > 0) this.codesBehind += by
  }
}
