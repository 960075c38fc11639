import { element } from './elements.ts'

/** The form that asks for the key. */
export class Lock {
  readonly #section = element('lock', HTMLElement)
  readonly #form = element('key-form', HTMLFormElement)
  readonly #field = element('key', HTMLInputElement)
  readonly #reveal = element('reveal', HTMLButtonElement)
  readonly #open = element('open', HTMLButtonElement)
  readonly #progress = element('key-progress', HTMLProgressElement)

  /** Calls back with the typed text after each submission. The next one is possible after {@link done}. */
  onSubmit(take: (typed: string) => void): void {
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

  /** Shows the progress of deriving the key from a passphrase, 0 to 1. */
  readonly progress = (done: number): void => {
    this.#progress.hidden = false
    this.#progress.value = done
  }

  /** Allows the next try. The typed text stays for correction if it was wrong. */
  done(): void {
    this.#open.disabled = false
    this.#progress.hidden = true
    if (!this.#section.hidden) this.#field.focus()
  }

  show(): void {
    this.#clear()
    this.#section.hidden = false
  }

  hide(): void {
    this.#clear()
    this.#section.hidden = true
  }

  #clear(): void {
    this.#field.value = ''
    this.#show(false)
  }

  #show(plain: boolean): void {
    this.#field.type = plain ? 'text' : 'password'
    this.#reveal.textContent = plain ? 'Hide' : 'Show'
    this.#reveal.setAttribute('aria-pressed', String(plain))
  }
}
