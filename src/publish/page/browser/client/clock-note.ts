import { element } from '../elements.ts'
import { clockWords, compareClock } from './server-clock.ts'
import type { ServerClock } from './server-clock.ts'

/** The page's clock, and the note that says how far this device's clock is off. */
export class ClockNote {
  readonly #note = element('clock-note', HTMLElement)
  readonly #use = element('clock-use', HTMLButtonElement)
  readonly #state = element('clock', HTMLElement)
  #measured: ServerClock | undefined
  /** Milliseconds added to this device's clock, once somebody agreed. */
  #addedMs = 0

  constructor() {
    this.#use.addEventListener('click', () => {
      this.#addedMs = this.#measured?.offMs ?? 0
      this.#note.hidden = true
      this.#state.textContent = 'the server’s'
      element('client-heading', HTMLElement).focus()
    })
  }

  /** The time for codes, in milliseconds since 1970. */
  readonly now = (): number => Date.now() + this.#addedMs

  /**
   * Compares this device's clock with the server's. Over http the page only says what it found: somebody on the way
   * could give another time, and would get a code of the future.
   */
  async compare(periodS: number): Promise<void> {
    this.#state.textContent = this.#addedMs === 0 ? 'this device’s' : 'the server’s'
    const measured = await compareClock()
    if (measured === undefined || this.#addedMs !== 0) return
    const words = clockWords(measured, periodS)
    if (words === undefined) {
      this.#state.textContent = 'agrees with the server’s'
      return
    }
    this.#measured = measured
    const [what, effect] = words
    element('clock-what', HTMLElement).textContent = what
    const advice = globalThis.isSecureContext ? 'Set this device’s clock, or:' : 'Set this device’s clock.'
    element('clock-effect', HTMLElement).textContent = `${effect} ${advice}`
    this.#use.hidden = !globalThis.isSecureContext
    this.#note.hidden = false
  }

  hide(): void {
    this.#note.hidden = true
  }
}
