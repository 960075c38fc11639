'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.Lock = void 0
const elements_js_1 = require('./elements.js')
class Lock {
  #section = (0, elements_js_1.element)('lock', HTMLElement)
  #form = (0, elements_js_1.element)('key-form', HTMLFormElement)
  #field = (0, elements_js_1.element)('key', HTMLInputElement)
  #reveal = (0, elements_js_1.element)('reveal', HTMLButtonElement)
  #open = (0, elements_js_1.element)('open', HTMLButtonElement)
  #progress = (0, elements_js_1.element)('key-progress', HTMLProgressElement)
  onSubmit(take) {
    this.#reveal.addEventListener('click', () => this.#show(this.#field.type === 'password'))
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#open.disabled) return
      if (this.#field.value === '') {
        this.#field.focus()
        return
      }
      this.#open.disabled = true
      take(this.#field.value)
    })
  }
  progress = (done) => {
    this.#progress.hidden = false
    this.#progress.value = done
  }
  done() {
    this.#open.disabled = false
    this.#progress.hidden = true
    if (!this.#section.hidden) this.#field.focus()
  }
  show() {
    this.#clear()
    this.#section.hidden = false
  }
  hide() {
    this.#clear()
    this.#section.hidden = true
  }
  #clear() {
    this.#field.value = ''
    this.#show(false)
  }
  #show(plain) {
    this.#field.type = plain ? 'text' : 'password'
    this.#reveal.textContent = plain ? 'Hide' : 'Show'
    this.#reveal.setAttribute('aria-pressed', String(plain))
  }
}
exports.Lock = Lock
