import type { Element } from '../firewall/guard/element.ts'

/** Which openings need an element of the guard's sets: two doors may open the same port for one source. */
export class Holders<Holder extends { readonly elements: readonly Element[] }> {
  #of = new Map<string, Set<Holder>>()

  /** The openings that need the element. */
  of(element: Element): readonly Holder[] {
    return [...(this.#of.get(nameOf(element)) ?? [])]
  }

  /** Notes what an opening needs. */
  add(holder: Holder, elements: readonly Element[]): void {
    for (const element of elements) {
      const name = nameOf(element)
      const holders = this.#of.get(name)
      if (holders === undefined) this.#of.set(name, new Set([holder]))
      else holders.add(holder)
    }
  }

  /** Notes that an opening needs nothing any more. */
  remove(holder: Holder): void {
    for (const element of holder.elements) {
      const name = nameOf(element)
      const holders = this.#of.get(name)
      if (holders?.delete(holder) === true && holders.size === 0) this.#of.delete(name)
    }
  }

  /** Notes what these openings need, and nothing else. */
  replace(holders: Iterable<Holder>): void {
    this.#of = new Map()
    for (const holder of holders) this.add(holder, holder.elements)
  }
}

function nameOf({ set, key }: Element): string {
  return `${set} ${key}`
}
