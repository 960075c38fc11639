import type { Door, Knock } from '../config/config.ts'
import type { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import { OneTimeList } from '../state/one-time.ts'
import type { OneTimeLeft, Strike } from '../state/one-time.ts'
import type { Store } from '../state/store.ts'
import { WatchedFile } from '../file/watched-file.ts'
import { secretOf } from './secret.ts'

/** What a one-time door needs of its surroundings. */
export interface OneTimeDoorTerms {
  readonly door: Door
  readonly path: string
  /** So few sequences left are warned of; 0: none is. */
  readonly lowWater: number
  readonly gate: Gate
  readonly store: Store
  readonly say: (level: 'notice' | 'warning' | 'error', text: string) => void
  /** Called when the gate has another sequence of this door. */
  readonly changed: () => void
  /** The list is another one, or has other lines: not everybody who holds the door may do so still. */
  readonly holdersChanged: () => void
}

const NOTHING: OneTimeLeft = {
  next: undefined,
  sequences: [],
  left: 0,
  usedAgain: 0,
  rests: new Set(),
  name: undefined,
}

/** A door with a list of sequences: the gate knows the next one, and only that. */
export class OneTimeDoor {
  readonly #door: Door
  readonly #gate: Gate
  readonly #list: OneTimeList
  readonly #say: OneTimeDoorTerms['say']
  readonly #lowWater: number
  readonly #changed: () => void
  readonly #file: WatchedFile<OneTimeLeft>
  #secret: Secret | undefined
  #left: OneTimeLeft = NOTHING
  #striking = 0
  #said = ''

  constructor({ door, path, lowWater, gate, store, say, changed, holdersChanged }: OneTimeDoorTerms) {
    this.#door = door
    this.#lowWater = lowWater
    this.#gate = gate
    this.#list = new OneTimeList(door.name, path, store)
    this.#say = say
    this.#changed = changed
    this.#file = new WatchedFile({
      path,
      read: () => this.#list.read(),
      changed: (left) => {
        this.#give(left)
        holdersChanged()
      },
      failed: (error) => this.#give(NOTHING, error.message),
      unwatched: (error) => say('warning', `${door.name}: ${path} is not watched: ${error.message}`),
      // A strike that is under way reads the list itself, and gives the gate what comes after it.
      ready: () => this.#striking === 0,
    })
  }

  /** The sequence that opens the door at the moment. */
  get secret(): Secret | undefined {
    return this.#secret
  }

  /** How many sequences the list has left. */
  get left(): number {
    return this.#left.left
  }

  /** Those sequences, the next one first. */
  get sequences(): readonly (readonly Knock[])[] {
    return this.#left.sequences
  }

  /** Reads the list again and gives the gate its first unused sequence. */
  refresh(): void {
    if (this.#striking === 0) this.#file.refresh()
  }

  /** The list as it was last read, whether or not it can be read now; `undefined`: it never could be. */
  get known(): OneTimeLeft | undefined {
    return this.#file.state
  }

  /**
   * Strikes out the sequence that was knocked. Where that gives a strike, it is durable, and the door may open. The gate has
   * forgotten the sequence already.
   */
  async strike(secret: Secret): Promise<Strike | undefined> {
    if (this.#secret === secret) this.#secret = undefined
    this.#striking++
    try {
      const strike = await this.#list.strike(secret.knocks)
      if (strike.outcome === 'used') this.#say('warning', `${this.#door.name}: this sequence was used before`)
      if (strike.outcome === 'gone') this.#say('warning', `${this.#door.name}: this sequence is no longer in the list`)
      return strike.outcome === 'struck' ? strike : undefined
    } catch (error) {
      this.#say(
        'error',
        `${this.#door.name}: stays shut, its sequence cannot be struck out: ${(error as Error).message}`,
      )
      return undefined
    } finally {
      this.#striking--
      this.refresh()
    }
  }

  /** Takes the sequence out of the gate, and watches no more. */
  close(): void {
    this.#file.close()
    if (this.#secret !== undefined) this.#gate.remove(this.#secret)
    this.#secret = undefined
  }

  #give(left: OneTimeLeft, why = ''): void {
    const { next } = left
    this.#left = left
    const before = JSON.stringify(this.#secret?.knocks)
    if (next === undefined) {
      this.#warn(`${this.#door.name}: disabled, no sequence is left${why === '' ? '' : `: ${why}`}`)
    } else if (left.usedAgain > 0) {
      this.#warn(`${this.#door.name}: the list contains sequences that were used already: they open nothing`)
    } else if (left.left <= this.#lowWater) {
      const few = left.left === 1 ? 'one sequence is' : `${left.left} sequences are`
      this.#warn(`${this.#door.name}: only ${few} left\npostern sequences make writes a new list`)
    } else {
      this.#said = ''
    }
    if (before === JSON.stringify(next)) return
    if (this.#secret !== undefined) this.#gate.remove(this.#secret)
    this.#secret = next === undefined ? undefined : secretOf(this.#door, next, { once: true })
    if (this.#secret !== undefined) this.#gate.add(this.#secret)
    this.#changed()
  }

  /** Says it once, however often the list is read. */
  #warn(text: string): void {
    if (this.#said === text) return
    this.#said = text
    this.#say('warning', text)
  }
}
