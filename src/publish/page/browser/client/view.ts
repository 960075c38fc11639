import type { Knock } from '../../../../config/config.ts'
import { ByHand } from '../by-hand.ts'
import { element } from '../elements.ts'
import { reasonUnreachable, whyNot } from '../knocker.ts'
import { ListFacts } from '../list-facts.ts'
import { Ports } from '../ports.ts'
import type { Shown } from './means.ts'

const SECOND_MS = 1_000

/** The view of an unlocked page. */
export class ClientView {
  readonly #host: string
  readonly #isReachable: boolean
  readonly #section = element('client', HTMLElement)
  readonly #heading = element('client-heading', HTMLElement)
  readonly #codePart = element('code-part', HTMLElement)
  readonly #code = element('code', HTMLElement)
  readonly #codeNote = element('code-note', HTMLElement)
  readonly #left = element('code-left', HTMLProgressElement)
  readonly #nextCode = element('next-code', HTMLElement)
  readonly #knock = element('knock', HTMLButtonElement)
  readonly #note = element('knock-note', HTMLElement)
  readonly #stop = element('stop', HTMLButtonElement)
  readonly #buttons = [element('passkey-add', HTMLButtonElement), element('remove', HTMLButtonElement)]
  readonly #ports = new Ports()
  readonly #byHand: ByHand
  readonly #clockPart = element('clock-part', HTMLElement)
  readonly #listPart = element('list-part', HTMLElement)
  readonly #facts = new ListFacts()
  /** The knocks that are shown, which are drawn only once. */
  #drawn: string | undefined
  #isBusy = false
  #canKnock = false

  /** @param isReachable true if a policy lets the page knock at the host */
  constructor(host: string, isReachable: boolean) {
    this.#host = host
    this.#isReachable = isReachable
    this.#byHand = new ByHand(host)
  }

  /** Disables the buttons while work is in progress. */
  set busy(isBusy: boolean) {
    this.#isBusy = isBusy
    for (const button of this.#buttons) button.disabled = isBusy
    if (!isBusy) this.#stop.hidden = true
    this.#enable()
  }

  /** Shows the state of a moment. It may be called at any time, and changes only what is different. */
  show(shown: Shown): void {
    const { knocks, code, next, place, waitMs } = shown
    const drawn = JSON.stringify([knocks, next?.text, place])
    if (drawn !== this.#drawn) this.#draw(shown)
    this.#drawn = drawn
    this.#knock.textContent =
      waitMs > 0 ? `Knock the next code, in ${Math.ceil(waitMs / SECOND_MS)} s` : `Knock at ${this.#host}`
    if (code === undefined) return
    this.#codePart.classList.toggle('spent', waitMs > 0)
    this.#left.max = code.periodMs
    this.#left.value = code.leftMs
    const seconds = Math.ceil(code.leftMs / SECOND_MS)
    const why = code.isSent ? ', spent' : ', too late'
    setText(this.#codeNote, `${seconds} s left${waitMs > 0 ? why : ''}`)
  }

  /** Shows the button that ends a wait. */
  waiting(): void {
    this.#stop.hidden = false
    this.#stop.disabled = false
  }

  /** Marks the knock that is being sent, and the earlier ones as sent. */
  mark(place: number, knockMs: number): void {
    this.#stop.hidden = true
    this.#ports.mark(place, knockMs)
  }

  markSent(): void {
    this.#ports.markSent()
  }

  /** Moves the focus to the place where a reader continues. */
  focus(): void {
    this.#heading.focus()
  }

  reveal(): void {
    this.#section.hidden = false
  }

  /** Removes everything shown from the page. */
  hide(): void {
    this.#section.hidden = true
    this.#drawn = undefined
    for (const part of [this.#code, this.#nextCode]) part.textContent = ''
    this.#ports.show(undefined)
    this.#byHand.show()
  }

  #draw({ knocks, code, next, place }: Shown): void {
    this.#heading.textContent = knocks === undefined ? 'No sequence is left' : this.#headingOf(code !== undefined)
    this.#codePart.hidden = code === undefined
    this.#code.textContent = grouped(code?.text)
    this.#nextCode.textContent = grouped(next?.text)
    this.#ports.show(knocks)
    this.#clockPart.hidden = code === undefined
    this.#listPart.hidden = place === undefined
    if (place !== undefined) this.#facts.show(place)
    const rows: [string | undefined, readonly Knock[]][] = []
    if (knocks !== undefined) rows.push([next === undefined ? undefined : 'Now', knocks])
    if (next !== undefined) rows.push(['The next code', next.knocks])
    this.#byHand.show(...rows)
    const obstacle = knocks === undefined ? 'The door’s owner can make more.' : whyNot(knocks)
    const note = this.#isReachable ? obstacle : reasonUnreachable(this.#host)
    setText(this.#note, note ?? '')
    this.#note.hidden = note === undefined
    this.#canKnock = note === undefined
    this.#byHand.open ||= !this.#canKnock
    this.#enable()
  }

  #headingOf(isCode: boolean): string {
    return isCode ? 'Code of the moment' : 'Sequence'
  }

  #enable(): void {
    this.#knock.disabled = this.#isBusy || !this.#canKnock
  }
}

/** A code in two groups, as its ports are. */
function grouped(code = ''): string {
  const cut = Math.ceil(code.length / 2)
  return `${code.slice(0, cut)} ${code.slice(cut)}`.trim()
}

function setText(part: HTMLElement, text: string): void {
  if (part.textContent !== text) part.textContent = text
}
