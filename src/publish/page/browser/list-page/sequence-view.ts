import { ByHand } from '../by-hand.ts'
import { element } from '../elements.ts'
import { reasonUnreachable, whyNot } from '../knocker.ts'
import { ListFacts } from '../list-facts.ts'
import { Ports } from '../ports.ts'
import { nextAt } from '../list-place.ts'
import type { Place } from '../list-place.ts'

/** The next sequence, with the ways to send it. */
export class SequenceView {
  readonly #host: string | undefined
  readonly #section = element('sequence', HTMLElement)
  readonly #heading = element('sequence-heading', HTMLElement)
  readonly #ports = new Ports()
  readonly #byHand: ByHand
  readonly #facts = new ListFacts()
  readonly #knock = element('knock', HTMLButtonElement)
  readonly #knockNote = element('knock-note', HTMLElement)
  readonly #next = element('next', HTMLButtonElement)
  readonly #progress = element('next-progress', HTMLProgressElement)
  #used = false
  #canKnock = false

  /** @param host the host for the commands */
  constructor(host: string | undefined) {
    this.#host = host
    this.#byHand = new ByHand(host)
  }

  /** Disables the buttons while work is in progress. */
  set busy(busy: boolean) {
    this.#knock.disabled = busy || this.#used || !this.#canKnock
    this.#next.disabled = busy
    if (!busy) this.#progress.hidden = true
  }

  /** Shows the progress of deriving the key from a passphrase, 0 to 1. */
  readonly progress = (done: number): void => {
    this.#progress.hidden = false
    this.#progress.value = done
  }

  /** @param isReachable true if the page may knock at the host */
  show(place: Place, isReachable: boolean): void {
    const sequence = nextAt(place)
    this.#used = false
    this.#heading.textContent = sequence === undefined ? 'No sequence is left' : 'Next sequence'
    this.#facts.show(place)
    this.#ports.show(sequence)
    if (sequence === undefined) this.#byHand.show()
    else this.#byHand.show([undefined, sequence])
    this.#next.hidden = sequence === undefined
    const obstacle = sequence === undefined ? undefined : whyNot(sequence)
    this.#canKnock = isReachable && sequence !== undefined && obstacle === undefined
    this.#knock.hidden = !this.#canKnock
    this.#knock.textContent = 'Knock from this browser'
    this.#byHand.open = !this.#canKnock
    const unreachable = isReachable ? obstacle : reasonUnreachable(this.#host)
    this.#note(sequence === undefined ? 'The door’s owner can make more.' : unreachable)
    this.#section.classList.remove('used')
    this.#section.hidden = false
    this.busy = false
  }

  /** Removes everything shown from the page. */
  hide(): void {
    this.#section.hidden = true
    this.#ports.show(undefined)
    this.#byHand.show()
  }

  /** Moves the focus to the place where a reader continues. */
  focus(): void {
    this.#heading.focus()
  }

  /** Marks the knock that is being sent, and the earlier ones as sent. */
  markKnock(place: number, knockMs: number): void {
    this.#ports.mark(place, knockMs)
  }

  /** Marks the sequence as used. It cannot be used again. */
  markUsed(): void {
    this.#used = true
    this.#knock.disabled = true
    this.#knock.textContent = 'Used'
    this.#heading.textContent = 'Used sequence'
    this.#section.classList.add('used')
    this.#ports.markSent()
  }

  #note(text: string | undefined): void {
    this.#knockNote.textContent = text ?? ''
    this.#knockNote.hidden = text === undefined
  }
}
