import { element } from './elements.js'
/** The form that asks for the key. */
export class Lock {
  #section = element('lock', HTMLElement)
  #form = element('key-form', HTMLFormElement)
  #field = element('key', HTMLInputElement)
  #reveal = element('reveal', HTMLButtonElement)
  #open = element('open', HTMLButtonElement)
  #progress = element('key-progress', HTMLProgressElement)
  /** Calls back with what was typed, once for each time it is given. It may be tried again after {@link done}. */
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
  /** Shows how far a passphrase is worked through, 0 to 1. */
  progress = (done) => {
    this.#progress.hidden = false
    this.#progress.value = done
  }
  /** Takes the next try. What was typed is left there, to be looked over, unless it was right. */
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
