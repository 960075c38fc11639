import { element } from '../elements.ts'
import { withoutFragment } from './address-bar.ts'
import { clockOf, clockWords } from './server-clock.ts'
import type { ServerClock } from './server-clock.ts'

/** The time limit for the server's answer, in milliseconds. A slower answer says little about the time. */
const ANSWER_LIMIT_MS = 4_000

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

/**
 * Compares this device's clock with the server's that sent the page, by the Date of its answer. Returns `undefined` if
 * there is no server, or it does not say.
 */
async function compareClock(): Promise<ServerClock | undefined> {
  if (!location.protocol.startsWith('http')) return undefined
  try {
    const sent = Date.now()
    const signal = AbortSignal.timeout(ANSWER_LIMIT_MS)
    const { headers } = await fetch(withoutFragment(), { method: 'HEAD', cache: 'no-store', signal })
    return clockOf(headers.get('date'), headers.get('age'), sent, Date.now())
  } catch {
    return undefined
  }
}
