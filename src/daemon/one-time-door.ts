import type { Door, Knock } from '../config/config.ts'
import type { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import type { LogEvent } from '../log/event.ts'
import { OneTimeList } from '../state/one-time.ts'
import type { OneTimeLeft, Strike } from '../state/one-time.ts'
import type { Store } from '../state/store.ts'
import { WatchedFile } from '../file/watched-file.ts'
import { secretOf } from './secret.ts'

/** The dependencies of a one-time door. */
export interface OneTimeDoorTerms {
  readonly door: Door
  readonly path: string
  /** The number of sequences left at which a warning is logged; 0 for no warning. */
  readonly lowWater: number
  readonly gate: Gate
  readonly store: Store
  readonly say: (level: 'notice' | 'warning' | 'error', text: string) => void
  readonly event: (event: LogEvent) => void
  /** Called when the gate has another sequence of this door. */
  readonly changed: () => void
  /** Called when the list or its lines have changed. Someone who holds the door may have lost access. */
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

/** A door with a list of sequences. The gate knows only the next one. */
export class OneTimeDoor {
  readonly #door: Door
  readonly #gate: Gate
  readonly #list: OneTimeList
  readonly #say: OneTimeDoorTerms['say']
  readonly #event: OneTimeDoorTerms['event']
  readonly #lowWater: number
  readonly #changed: () => void
  readonly #file: WatchedFile<OneTimeLeft>
  #secret: Secret | undefined
  #left: OneTimeLeft = NOTHING
  #striking = 0
  #said = ''

  constructor({ door, path, lowWater, gate, store, say, event, changed, holdersChanged }: OneTimeDoorTerms) {
    this.#door = door
    this.#lowWater = lowWater
    this.#gate = gate
    this.#list = new OneTimeList(door.name, path, store)
    this.#say = say
    this.#event = event
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
      // A redemption in progress reads the list itself and then gives the gate the next sequence.
      ready: () => this.#striking === 0,
    })
  }

  /** The sequence that opens the door now. */
  get secret(): Secret | undefined {
    return this.#secret
  }

  /** The number of sequences left in the list. */
  get left(): number {
    return this.#left.left
  }

  /** The sequences left, the next one first. */
  get sequences(): readonly (readonly Knock[])[] {
    return this.#left.sequences
  }

  /** Reads the list again and gives the gate its first unused sequence. */
  refresh(): void {
    if (this.#striking === 0) this.#file.refresh()
  }

  /** The list as it was last read successfully, or `undefined` if it never was. */
  get known(): OneTimeLeft | undefined {
    return this.#file.state
  }

  /**
   * Marks the sequence of a knock as used. The gate no longer has the sequence at this point.
   *
   * @returns the redemption if it is durable, so that the door may open
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
      const why = { reason: 'cannot mark its sequence as used', cause: (error as Error).message }
      this.#event({ kind: 'refused', level: 'error', door: this.#door.name, ...why })
      return undefined
    } finally {
      this.#striking--
      this.refresh()
    }
  }

  /** Removes the sequence from the gate and stops watching the list. */
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

  /** Logs a warning once, however often the list is read. */
  #warn(text: string): void {
    if (this.#said === text) return
    this.#said = text
    this.#say('warning', text)
  }
}
