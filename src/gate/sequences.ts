import type { Knock } from '../config/config.ts'
import { ICMP, UDP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { KNOCKS, isSized, keyOf, sizedKey } from './knock-key.ts'
import type { GateSequence } from './sequence.ts'
import { count } from './sequence-set.ts'
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
  /** The same two for datagrams of a certain size, which few configs have. */
  readonly #sizedFirsts = new Map<number, number>()
  readonly #sizedPlaces = new Map<number, number>()
  /** The number of positions in sequences for each port with datagrams of a certain size. */
  readonly #sizedPorts = new Map<number, number>()
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
    return isSized(key) ? this.#sizedPlaces.has(key) : this.#places[key]! > 0
  }

  /** Returns the packet's second key, which has its size, if that is part of any sequence; otherwise returns `key`. */
  exact({ protocol, port, size }: Packet, key: number): number {
    if (this.#sizedPlaces.size === 0 || protocol !== UDP || size < 0) return key
    const sized = sizedKey(port, size)
    return this.#sizedPlaces.has(sized) ? sized : key
  }

  /** Returns the packet as a knock, with the size of a datagram only if sequences have sizes for its port. */
  knockOf({ protocol, port, size }: Packet): Knock {
    if (protocol === ICMP) return { protocol, port: 0, size }
    return protocol === UDP && this.#sizedPorts.has(port) ? { protocol, port, size } : { protocol, port }
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
    const index = this.#first(key)
    return index === 0 ? NO_STAGES : this.#roots[index]!
  }

  /** Returns the first stages of a packet that is one or two knocks. */
  beginAny(key: number, exact: number): readonly Stage[] {
    const stages = this.begin(key)
    if (exact === key) return stages
    const sized = this.begin(exact)
    return stages.length === 0 ? sized : [...stages, ...sized]
  }

  #first(key: number): number {
    return isSized(key) ? (this.#sizedFirsts.get(key) ?? 0) : this.#firsts[key]!
  }

  #setFirst(key: number, index: number): void {
    if (!isSized(key)) this.#firsts[key] = index
    else if (index === 0) this.#sizedFirsts.delete(key)
    else this.#sizedFirsts.set(key, index)
  }

  add(sequence: GateSequence): void {
    this.#count(sequence, 1)
    let stage: Stage | undefined
    for (const [index, knock] of sequence.knocks.entries()) {
      const key = keyOf(knock)
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
      const key = keyOf(knock)
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
    for (const knock of knocks) {
      const key = keyOf(knock)
      if (isSized(key)) {
        count(this.#sizedPlaces, key, by)
        count(this.#sizedPorts, knock.port, by)
      } else this.#places[key]! += by
    }
    if (code === 0) this.#bareCodes += by
    if (!scannable) return
    count(this.#scannableDoors, door, by)
  }

  #number(stage: Stage): void {
    stage.id = this.#freeStages.pop() ?? this.#stages.length
    this.#stages[stage.id] = stage
  }

  #addRoot(stage: Stage): void {
    let index = this.#first(stage.key)
    if (index === 0) {
      index = this.#freeRoots.pop() ?? this.#roots.length
      this.#roots[index] = []
      this.#setFirst(stage.key, index)
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
    const index = this.#first(stage.key)
    const roots = this.#roots[index]!
    roots.splice(roots.indexOf(stage), 1)
    if (roots.length > 0) return
    this.#setFirst(stage.key, 0)
    this.#freeRoots.push(index)
  }
}
