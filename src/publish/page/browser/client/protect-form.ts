import { PASSPHRASE_MAX_CHARS, weaknessOf } from '../../passphrase-strength.ts'
import { element } from '../elements.ts'

const HINT = 'It encrypts the secret in this browser. It is neither sent nor stored.'

/** The form for a new passphrase, which is typed twice. */
export class ProtectForm {
  readonly #section = element('protect', HTMLElement)
  readonly #form = element('protect-form', HTMLFormElement)
  readonly #fresh = element('fresh', HTMLInputElement)
  readonly #again = element('again', HTMLInputElement)
  readonly #hint = element('fresh-hint', HTMLElement)
  readonly #progress = element('protect-progress', HTMLProgressElement)
  readonly #save = element('protect-save', HTMLButtonElement)
  readonly #passkey = element('protect-passkey', HTMLButtonElement)

  /** @param take gets the passphrase; it is called for two equal ones alone */
  onSubmit(take: (passphrase: string) => void): void {
    this.#fresh.maxLength = PASSPHRASE_MAX_CHARS
    this.#again.maxLength = PASSPHRASE_MAX_CHARS
    this.#fresh.addEventListener('input', () => this.#judge())
    this.#again.addEventListener('input', () => this.#again.setCustomValidity(''))
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault()
      if (this.#save.disabled || this.#fresh.value === '') {
        this.#fresh.focus()
      } else if (this.#fresh.value === this.#again.value) {
        take(this.#fresh.value)
      } else {
        this.#again.setCustomValidity('The two differ.')
        this.#again.reportValidity()
      }
    })
  }

  /** Shows the progress of deriving the key from the passphrase, 0 to 1. */
  readonly progress = (done: number): void => {
    this.#progress.hidden = false
    this.#progress.value = done
  }

  set busy(isBusy: boolean) {
    for (const button of [this.#save, this.#passkey]) button.disabled = isBusy
    if (!isBusy) this.#progress.hidden = true
  }

  /** @param what says whose secret it is, without the secret */
  show(what: string, hasPasskeys: boolean): void {
    element('protect-what', HTMLElement).textContent = what
    this.#passkey.hidden = !hasPasskeys
    this.#section.hidden = false
    this.#fresh.focus()
  }

  hide(): void {
    this.#section.hidden = true
    this.#fresh.value = ''
    this.#again.value = ''
    this.#judge()
  }

  #judge(): void {
    const weakness = this.#fresh.value === '' ? undefined : weaknessOf(this.#fresh.value)
    this.#hint.textContent = weakness === undefined ? HINT : `This one is weak: ${weakness}.`
    this.#hint.classList.toggle('few', weakness !== undefined)
  }
}
