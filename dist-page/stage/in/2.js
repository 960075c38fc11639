import { readSecret } from './decryption.js'
import { element } from './elements.js'
import { Fault } from './fault.js'
import { KNOCK_MS, knock } from './knocker.js'
import { Lock } from './lock.js'
import { nextAt, openList, placeAfter } from './source.js'
import { SequenceView } from './sequence-view.js'
/** Minutes after which an unlocked page that nobody touches locks itself. */
const IDLE_LIMIT_MIN = 10
const MINUTE_MS = 60_000
/** The page: locked with a question for the key, or showing the next sequence. */
export class Page {
  #root = element('page', HTMLElement)
  #lock = new Lock()
  #view = new SequenceView(this.#root.dataset['host'])
  #status = element('status', HTMLElement)
  #trouble = element('trouble', HTMLElement)
  #troubleAdvice = element('trouble-advice', HTMLElement)
  #url = this.#root.dataset['list']
  #urlHost = this.#root.dataset['knock']
  /** Kept while the page is unlocked only, for the list that is fetched with the next one. */
  #secret
  #place
  #idle
  /** Counts up with each lock, so that what was under way before shows nothing after. */
  #turn = 0
  /** Shows the question and listens. */
  start() {
    element('insecure', HTMLElement).hidden = globalThis.isSecureContext
    this.#lock.onSubmit((typed) => void this.#open(typed))
    element('knock', HTMLButtonElement).addEventListener('click', () => void this.#knock())
    element('next', HTMLButtonElement).addEventListener('click', () => void this.#next())
    element('forget', HTMLButtonElement).addEventListener('click', () => this.#forget('Locked. Nothing is kept.'))
    // Also when the browser keeps the page to show it again.
    addEventListener('pagehide', () => this.#forget(''))
    for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => this.#stayAwake())
    this.#forget('')
  }
  async #open(typed) {
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
  /** Takes the sequence shown for used. */
  async #next() {
    const [before, secret] = [this.#place, this.#secret]
    if (before === undefined || secret === undefined) return
    await this.#during('Looking for a newer list …', async (turn) => {
      const published = await openList(this.#url, secret, this.#view.progress).catch((error) => {
        this.#complain(error)
        return undefined
      })
      if (turn !== this.#turn) return
      this.#show(placeAfter(before, published?.list ?? before.list))
      this.#view.focus()
    })
  }
  async #knock() {
    const sequence = this.#place === undefined ? undefined : nextAt(this.#place)
    if (sequence === undefined || this.#urlHost === undefined) return
    const urlHost = this.#urlHost
    await this.#during('Knocking …', async (turn) => {
      await knock(urlHost, sequence, (place) => {
        if (turn === this.#turn) this.#view.markKnock(place, KNOCK_MS)
      })
      if (turn !== this.#turn) return
      this.#view.markUsed()
      this.#say('Knocked. A browser is not told whether it was heard: try your connection now.')
    })
  }
  /** Does what takes time: with the buttons off, what went wrong on the page, and the status as it was given at last. */
  async #during(status, work) {
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
  #show(place) {
    this.#place = place
    this.#view.show(place, this.#urlHost !== undefined)
  }
  #complain(error) {
    const fault = error instanceof Fault ? error : new Fault('This did not work.', String(error))
    element('trouble-what', HTMLElement).textContent = fault.message
    this.#troubleAdvice.textContent = fault.advice
    this.#trouble.hidden = false
    this.#say('')
  }
  #say(text) {
    this.#status.textContent = text
  }
  #stayAwake() {
    clearTimeout(this.#idle)
    if (this.#secret === undefined) return
    this.#idle = setTimeout(() => this.#forget('Locked, as nobody was here.'), IDLE_LIMIT_MIN * MINUTE_MS)
  }
  /** Locks: neither key nor sequences are left in the page. */
  #forget(status) {
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
