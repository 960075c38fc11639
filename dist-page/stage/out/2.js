'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.Page = void 0
const decryption_js_1 = require('./decryption.js')
const elements_js_1 = require('./elements.js')
const fault_js_1 = require('./fault.js')
const knocker_js_1 = require('./knocker.js')
const lock_js_1 = require('./lock.js')
const source_js_1 = require('./source.js')
const sequence_view_js_1 = require('./sequence-view.js')
const IDLE_LIMIT_MIN = 10
const MINUTE_MS = 60_000
class Page {
  #root = (0, elements_js_1.element)('page', HTMLElement)
  #lock = new lock_js_1.Lock()
  #view = new sequence_view_js_1.SequenceView(this.#root.dataset['host'])
  #status = (0, elements_js_1.element)('status', HTMLElement)
  #trouble = (0, elements_js_1.element)('trouble', HTMLElement)
  #troubleAdvice = (0, elements_js_1.element)('trouble-advice', HTMLElement)
  #url = this.#root.dataset['list']
  #urlHost = this.#root.dataset['knock']
  #secret
  #place
  #idle
  #turn = 0
  start() {
    ;(0, elements_js_1.element)('insecure', HTMLElement).hidden = globalThis.isSecureContext
    this.#lock.onSubmit((typed) => void this.#open(typed))
    ;(0, elements_js_1.element)('knock', HTMLButtonElement).addEventListener('click', () => void this.#knock())
    ;(0, elements_js_1.element)('next', HTMLButtonElement).addEventListener('click', () => void this.#next())
    ;(0, elements_js_1.element)('forget', HTMLButtonElement).addEventListener('click', () =>
      this.#forget('Locked. Nothing is kept.'),
    )
    addEventListener('pagehide', () => this.#forget(''))
    for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, () => this.#stayAwake())
    this.#forget('')
  }
  async #open(typed) {
    const secret = (0, decryption_js_1.readSecret)(typed)
    await this.#during('Decrypting …', async (turn) => {
      const place = await (0, source_js_1.openList)(this.#url, secret, this.#lock.progress)
      if (turn !== this.#turn) return
      this.#secret = secret
      this.#lock.hide()
      this.#show(place)
      this.#view.focus()
    })
    this.#lock.done()
  }
  async #next() {
    const [before, secret] = [this.#place, this.#secret]
    if (before === undefined || secret === undefined) return
    await this.#during('Looking for a newer list …', async (turn) => {
      const published = await (0, source_js_1.openList)(this.#url, secret, this.#view.progress).catch((error) => {
        this.#complain(error)
        return undefined
      })
      if (turn !== this.#turn) return
      this.#show((0, source_js_1.placeAfter)(before, published?.list ?? before.list))
      this.#view.focus()
    })
  }
  async #knock() {
    const sequence = this.#place === undefined ? undefined : (0, source_js_1.nextAt)(this.#place)
    if (sequence === undefined || this.#urlHost === undefined) return
    const urlHost = this.#urlHost
    await this.#during('Knocking …', async (turn) => {
      await (0, knocker_js_1.knock)(urlHost, sequence, (place) => {
        if (turn === this.#turn) this.#view.markKnock(place, knocker_js_1.KNOCK_MS)
      })
      if (turn !== this.#turn) return
      this.#view.markUsed()
      this.#say('Knocked. A browser is not told whether it was heard: try your connection now.')
    })
  }
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
    const fault = error instanceof fault_js_1.Fault ? error : new fault_js_1.Fault('This did not work.', String(error))
    ;(0, elements_js_1.element)('trouble-what', HTMLElement).textContent = fault.message
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
exports.Page = Page
