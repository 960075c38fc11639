import { element } from './elements.ts'
import { Fault } from './fault.ts'

/** Minutes without use, and minutes in the background, after which an unlocked page locks itself. */
const IDLE_LIMIT_MIN = 10
const HIDDEN_LIMIT_MIN = 3
const MINUTE_MS = 60_000

/** The parts of a page that a session changes. */
export interface SessionDeps {
  /** Enables or disables the buttons. */
  readonly setBusy: (isBusy: boolean) => void
  /** Drops every secret, and shows the form for the key. */
  readonly lock: () => void
}

/** The time from unlocking to locking: the work that takes time, its status, and its faults. */
export class Session {
  readonly #deps: SessionDeps
  readonly #root = element('page', HTMLElement)
  readonly #status = element('status', HTMLElement)
  readonly #trouble = element('trouble', HTMLElement)
  #isOpen = false
  #idle: ReturnType<typeof setTimeout> | undefined
  /** The time at which the page was hidden, in milliseconds since 1970. */
  #hiddenAt: number | undefined
  /** A count of the locks. Work that began before a lock shows nothing after it. */
  #turn = 0

  constructor(deps: SessionDeps) {
    this.#deps = deps
    // The page also locks if the browser caches it to show it again.
    addEventListener('pagehide', () => this.lock(''))
    for (const kind of ['pointerdown', 'keydown'] as const) addEventListener(kind, () => this.#stayAwake())
    document.addEventListener('visibilitychange', () => this.#look())
  }

  /** Begins a session: the page is unlocked. */
  open(): void {
    this.#isOpen = true
    this.#stayAwake()
  }

  /** Ends the session. Nothing secret remains in the page. */
  lock(status: string): void {
    this.#turn++
    this.#isOpen = false
    clearTimeout(this.#idle)
    this.#trouble.hidden = true
    this.#deps.lock()
    this.say(status)
  }

  /**
   * Does work that takes time. Meanwhile the buttons are disabled. Errors are shown on the page.
   *
   * @param work gets a function that returns false once the page was locked
   */
  async during(status: string, work: (isCurrent: () => boolean) => Promise<void>): Promise<void> {
    const turn = this.#turn
    this.#trouble.hidden = true
    this.say(status)
    this.#root.setAttribute('aria-busy', 'true')
    this.#deps.setBusy(true)
    try {
      await work(() => turn === this.#turn)
    } catch (error) {
      if (turn === this.#turn) this.complain(error)
    }
    if (this.#status.textContent === status) this.say('')
    this.#root.removeAttribute('aria-busy')
    this.#deps.setBusy(false)
    this.#stayAwake()
  }

  /** Shows a fault with its advice. */
  complain(error: unknown): void {
    const fault = error instanceof Fault ? error : new Fault('This did not work.', String(error))
    element('trouble-what', HTMLElement).textContent = fault.message
    element('trouble-advice', HTMLElement).textContent = fault.advice
    this.#trouble.hidden = false
    this.say('')
  }

  /** Says something in the status line, which screen readers speak: never a secret. */
  say(text: string): void {
    this.#status.textContent = text
  }

  #stayAwake(): void {
    clearTimeout(this.#idle)
    if (!this.#isOpen) return
    const limitMin = document.hidden ? HIDDEN_LIMIT_MIN : IDLE_LIMIT_MIN
    this.#idle = setTimeout(() => this.lock('Locked after a time without use.'), limitMin * MINUTE_MS)
  }

  /** A browser may stop the timers of a page in the background, so its return is looked at, too. */
  #look(): void {
    const since = this.#hiddenAt
    this.#hiddenAt = document.hidden ? Date.now() : undefined
    const isLong = !document.hidden && since !== undefined && Date.now() - since >= HIDDEN_LIMIT_MIN * MINUTE_MS
    if (this.#isOpen && isLong) this.lock('Locked after a time in the background.')
    else this.#stayAwake()
  }
}
