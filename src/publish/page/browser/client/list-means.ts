import { readSecret } from '../decryption.ts'
import { Fault } from '../fault.ts'
import { isSame } from '../list.ts'
import { nextAt } from '../list-place.ts'
import { openList } from '../source.ts'
import type { Place } from '../list-place.ts'
import type { ListMaker, Means, Shown, Turn } from './means.ts'

/** The most times that the same sequence of a list is knocked: the packets of the first one may have been lost. */
const SENT_MAX = 2

/** A published list, which is fetched for every turn: its first line is what the door waits for. */
class PublishedList implements Means {
  readonly hasNext = true
  readonly #fetch: () => Promise<Place>
  #place: Place
  /** The last sequence that was sent, and how often. */
  #last: NonNullable<ReturnType<typeof nextAt>> | undefined
  #times = 0

  constructor(fetch: () => Promise<Place>, place: Place) {
    this.#fetch = fetch
    this.#place = place
  }

  show(): Shown {
    return { knocks: nextAt(this.#place), waitMs: 0, place: this.#place }
  }

  async turn(): Promise<Turn | undefined> {
    this.#place = await this.#fetch()
    const knocks = nextAt(this.#place)
    if (knocks === undefined) return undefined
    const isAgain = this.#last !== undefined && isSame(this.#last, knocks)
    if (isAgain && this.#times >= SENT_MAX) {
      throw new Fault(
        'The door did not take this sequence.',
        'It is still the next of the list. The door’s log says why.',
      )
    }
    const claim = (): void => {
      this.#times = isAgain ? this.#times + 1 : 1
      this.#last = knocks
    }
    return { knocks, claim }
  }
}

/** Opens a published list. @throws {@link Fault} if it cannot be fetched or decrypted */
export const openPublished: ListMaker = async ({ file, key }, onProgress) => {
  const secret = readSecret(key)
  const fetchPlace = async (): Promise<Place> => await openList(encodeURIComponent(file), secret, onProgress)
  return new PublishedList(fetchPlace, await fetchPlace())
}
