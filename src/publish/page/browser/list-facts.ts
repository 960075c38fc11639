import { element } from './elements.ts'
import { leftAt } from './list-place.ts'
import type { Place } from './list-place.ts'

/** The number of remaining sequences that counts as few. */
const FEW = 3

/** The number of sequences that a list has left, and the time when it was made. */
export class ListFacts {
  readonly #made = element('made', HTMLElement)
  readonly #left = element('left', HTMLElement)

  show(place: Place): void {
    const left = leftAt(place)
    this.#made.textContent = place.list.made === undefined ? 'not said' : dated(place.list.made)
    this.#left.textContent = String(left)
    this.#left.classList.toggle('few', left <= FEW)
  }
}

function dated(date: Date): string {
  return date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}
