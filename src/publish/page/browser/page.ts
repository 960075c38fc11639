import { readSecret } from './decryption.ts'
import type { Secret } from './decryption.ts'
import { element } from './elements.ts'
import { Fault } from './fault.ts'
import { KNOCK_MS, knock } from './knocker.ts'
import { Lock } from './lock.ts'
import { nextAt, openList, placeAfter } from './source.ts'
import type { Place } from './source.ts'
import { SequenceView } from './sequence-view.ts'

/** Minutes without use after which an unlocked page locks itself. */
const IDLE_LIMIT_MIN = 10
const MINUTE_MS = 60_000

/** The page, which is either locked or shows the next sequence. */
export class Page {
  readonly #root = element('page', HTMLElement)
  readonly #lock = new Lock()
  readonly #view = new SequenceView(this.#root.dataset['host'])
  readonly #status = element('status', HTMLElement)
  readonly #trouble = element('trouble', HTMLElement)
  readonly #troubleAdvice = element('trouble-advice', HTMLElement)
  readonly #url = this.#root.dataset['list']!
  readonly #urlHost = this.#root.dataset['knock']
  /** The secret for the next list, kept only while the page is unlocked. */
  #secret: Secret | undefined
  #place: Place | undefined
  #idle: ReturnType<typeof setTimeout> | undefined
  /** A count of the locks. Work that began before a lock shows nothing after it. */
  #turn = 0

  /** Shows the form for the key and listens. */
  start(): void {
    element('insecure', HTMLElement).hidden = globalThis.isSecureContext
    this.#lock.onSubmit((typed) => void this.#open(typed))
    element('knock', HTMLButtonElement).addEventListener('click', () => void this.#knock())
    element('next', HTMLButtonElement).addEventListener('click', () => void this.#next())
    element('forget', HTMLButtonElement).addEventListener('click', () => this.#forget('Locked. Nothing is kept.'))
    // The page also locks if the browser caches it to show it again.
    addEventListener('pagehide', () => this.#forget(''))
    for (const kind of ['pointerdown', 'keydown'] as const) addEventListener(kind, () => this.#stayAwake())
    this.#forget('')
  }

  async #open(typed: string): Promise<void> {
    const secret = readSecret(typed)
    await this.#during('Decrypting …', async (turn) => {
      const place = await openList(this.#url, secret, this.#lock.progress)
      if (turn !== this.#turn) return
      this.#secret = secret
      this.#lock.hide()
      this.#show(place)
      this.#view.focus()
    })
    this.#lock.done()
  }

  /** Marks the shown sequence as used. */
  async #next(): Promise<void> {
    const [before, secret] = [this.#place, this.#secret]
    if (before === undefined || secret === undefined) return
    await this.#during('Looking for a newer list …', async (turn) => {
      const published = await openList(this.#url, secret, this.#view.progress).catch((error: unknown) => {
        this.#complain(error)
        return undefined
      })
      if (turn !== this.#turn) return
      this.#show(placeAfter(before, published?.list ?? before.list))
      this.#view.focus()
    })
  }

  async #knock(): Promise<void> {
    const sequence = this.#place === undefined ? undefined : nextAt(this.#place)
    if (sequence === undefined || this.#urlHost === undefined) return
    const urlHost = this.#urlHost
    await this.#during('Knocking …', async (turn) => {
      await knock(urlHost, sequence, (place) => {
        if (turn === this.#turn) this.#view.markKnock(place, KNOCK_MS)
      })
      if (turn !== this.#turn) return
      this.#view.markUsed()
      this.#say('Knocked. A browser cannot see if the knock arrived: try your connection now.')
    })
  }

  /** Does work that takes time. Meanwhile the buttons are disabled. Errors are shown on the page. */
  async #during(status: string, work: (turn: number) => Promise<void>): Promise<void> {
    const turn = this.#turn
    this.#trouble.hidden = true
    this.#say(status)
    this.#root.setAttribute('aria-busy', 'true')
    this.#view.busy = true
    try {
      await work(turn)
    } catch (error) {
      if (turn === this.#turn) this.#complain(error)
    }
    if (this.#status.textContent === status) this.#say('')
    this.#root.removeAttribute('aria-busy')
    this.#view.busy = false
    this.#stayAwake()
  }

  #show(place: Place): void {
    this.#place = place
    this.#view.show(place, this.#urlHost !== undefined)
  }

  #complain(error: unknown): void {
    const fault = error instanceof Fault ? error : new Fault('This did not work.', String(error))
    element('trouble-what', HTMLElement).textContent = fault.message
    this.#troubleAdvice.textContent = fault.advice
    this.#trouble.hidden = false
    this.#say('')
  }

  #say(text: string): void {
    this.#status.textContent = text
  }

  #stayAwake(): void {
    clearTimeout(this.#idle)
    if (this.#secret === undefined) return
    this.#idle = setTimeout(() => this.#forget('Locked after a time without use.'), IDLE_LIMIT_MIN * MINUTE_MS)
  }

  /** Locks the page. Neither the key nor the sequences remain in it. */
  #forget(status: string): void {
    this.#turn++
    this.#secret = undefined
    this.#place = undefined
    clearTimeout(this.#idle)
    this.#trouble.hidden = true
    this.#view.hide()
    this.#lock.show()
    this.#say(status)
  }
}
