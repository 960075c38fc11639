import type { Element } from '../firewall/guard/element.ts'
import type { Guard } from './guard.ts'

/** An opening that needs elements of the guard's sets. */
interface Needing {
  readonly elements: readonly Element[]
}

/**
 * The elements of the guard's sets, which openings share: two doors may open the same port for one source. Each element
 * stays for as long as the longest opening that needs it.
 */
export class SharedElements<Live extends Needing> {
  readonly #guard: Pick<Guard, 'prepare' | 'open' | 'close'>
  readonly #left: (live: Live) => number
  /** Most elements have one opening; a set for each would take 200 bytes. */
  #needing = new Map<string, Live | Set<Live>>()

  /** @param left returns the milliseconds until an opening's deadline */
  constructor(guard: Pick<Guard, 'prepare' | 'open' | 'close'>, left: (live: Live) => number) {
    this.#guard = guard
    this.#left = left
  }

  /** Prepares a later {@link open}. */
  prepare(live: Live, elements: readonly Element[], ms: number): void {
    this.#guard.prepare(this.#shorter(live, elements, ms), ms)
  }

  /** Lets elements of an opening through for `ms` milliseconds, or for longer. @throws the firewall's error */
  open(live: Live, elements: readonly Element[], ms: number): void {
    this.#guard.open(this.#shorter(live, elements, ms), ms)
  }

  /** Corrects the elements of an opening that was shortened, or removed. @throws the firewall's error */
  settle({ elements }: Live): void {
    const free = elements.filter((element) => this.#of(element).length === 0)
    this.#guard.close(free)
    for (const element of elements.filter((each) => !free.includes(each))) {
      this.#guard.open([element], Math.max(...this.#of(element).map(this.#left)))
    }
  }

  /** Adds an opening that needs the elements. */
  add(live: Live, elements: readonly Element[]): void {
    for (const element of elements) {
      const name = nameOf(element)
      const needing = this.#needing.get(name)
      if (needing === undefined) this.#needing.set(name, live)
      else if (needing instanceof Set) needing.add(live)
      else if (needing !== live) this.#needing.set(name, new Set([needing, live]))
    }
  }

  /** Removes an opening, which then needs no elements. */
  remove(live: Live): void {
    for (const element of live.elements) {
      const name = nameOf(element)
      const needing = this.#needing.get(name)
      if (needing instanceof Set) needing.delete(live)
      if (needing === live || (needing instanceof Set && needing.size === 0)) this.#needing.delete(name)
    }
  }

  /** Replaces all openings by these. */
  replace(all: Iterable<Live>): void {
    this.#needing = new Map()
    for (const live of all) this.add(live, live.elements)
  }

  /** Returns the elements that no other opening needs for longer. */
  #shorter(live: Live, elements: readonly Element[], ms: number): readonly Element[] {
    return elements.filter((element) => this.#of(element).every((other) => other === live || this.#left(other) <= ms))
  }

  #of(element: Element): readonly Live[] {
    const needing = this.#needing.get(nameOf(element))
    if (needing === undefined) return []
    return needing instanceof Set ? [...needing] : [needing]
  }
}

function nameOf({ set, key }: Element): string {
  // A template string would keep its parts in memory; join() makes one flat string.
  return [set, key].join(' ')
}
