import type { Element } from '../firewall/guard/element.ts'

/**
 * Maps elements of the guard's sets to the openings that need them. Two doors may open the same port for one source.
 */
export class Holders<Holder extends { readonly elements: readonly Element[] }> {
  #of = new Map<string, Set<Holder>>()

  /** Returns the openings that need the element. */
  of(element: Element): readonly Holder[] {
    return [...(this.#of.get(nameOf(element)) ?? [])]
  }

  /** Adds an opening that needs the elements. */
  add(holder: Holder, elements: readonly Element[]): void {
    for (const element of elements) {
      const name = nameOf(element)
      const holders = this.#of.get(name)
      if (holders === undefined) this.#of.set(name, new Set([holder]))
      else holders.add(holder)
    }
  }

  /** Removes an opening, which then needs no elements. */
  remove(holder: Holder): void {
    for (const element of holder.elements) {
      const name = nameOf(element)
      const holders = this.#of.get(name)
      if (holders?.delete(holder) === true && holders.size === 0) this.#of.delete(name)
    }
  }

  /** Replaces all openings by these. */
  replace(holders: Iterable<Holder>): void {
    this.#of = new Map()
    for (const holder of holders) this.add(holder, holder.elements)
  }
}

function nameOf({ set, key }: Element): string {
  return `${set} ${key}`
}
