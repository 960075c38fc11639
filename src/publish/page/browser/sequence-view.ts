import { ICMP, TCP } from '../../../packet/packet.ts'
import type { Knock } from '../../../config/config.ts'
import { commandsFor } from './commands.ts'
import type { Command } from './commands.ts'
import { element, make } from './elements.ts'
import { whyNot } from './knocker.ts'
import { leftAt, nextAt } from './source.ts'
import type { Place } from './source.ts'

/** The placeholder for an unknown host in commands. */
const SOME_HOST = 'HOST'
/** The number of remaining sequences that counts as few. */
const FEW = 3

/** The next sequence, with the ways to send it. */
export class SequenceView {
  readonly #host: string | undefined
  readonly #section = element('sequence', HTMLElement)
  readonly #heading = element('sequence-heading', HTMLElement)
  readonly #ports = element('ports', HTMLOListElement)
  readonly #knock = element('knock', HTMLButtonElement)
  readonly #knockNote = element('knock-note', HTMLElement)
  readonly #next = element('next', HTMLButtonElement)
  readonly #byHand = element('by-hand', HTMLDetailsElement)
  readonly #commands = element('commands', HTMLElement)
  readonly #made = element('made', HTMLElement)
  readonly #left = element('left', HTMLElement)
  readonly #progress = element('next-progress', HTMLProgressElement)
  #used = false
  #canKnock = false

  /** @param host the host for the commands */
  constructor(host: string | undefined) {
    this.#host = host
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
    const left = leftAt(place)
    this.#used = false
    this.#heading.textContent = sequence === undefined ? 'No sequence is left' : 'Next sequence'
    this.#made.textContent = place.list.made === undefined ? 'not said' : dated(place.list.made)
    this.#left.textContent = String(left)
    this.#left.classList.toggle('few', left <= FEW)
    this.#ports.replaceChildren(...(sequence ?? []).map(tile))
    this.#commands.replaceChildren(...(sequence === undefined ? [] : this.#rows(sequence)))
    for (const part of [this.#ports, this.#byHand, this.#next]) part.hidden = sequence === undefined
    const obstacle = sequence === undefined ? undefined : whyNot(sequence)
    this.#canKnock = isReachable && sequence !== undefined && obstacle === undefined
    this.#knock.hidden = !this.#canKnock
    this.#knock.textContent = 'Knock from this browser'
    this.#byHand.open = !this.#canKnock
    this.#note(
      sequence === undefined ? 'The door’s owner can make more.' : isReachable ? obstacle : this.#unreachable(),
    )
    this.#section.classList.remove('used')
    this.#section.hidden = false
    this.busy = false
  }

  /** Removes everything shown from the page. */
  hide(): void {
    this.#section.hidden = true
    for (const part of [this.#ports, this.#commands]) part.replaceChildren()
  }

  /** Moves the focus to the place where a reader continues. */
  focus(): void {
    this.#heading.focus()
  }

  /** Marks the knock that is being sent, and the earlier ones as sent. */
  markKnock(place: number, knockMs: number): void {
    for (const [index, part] of [...this.#ports.children].entries()) {
      part.classList.toggle('sent', index < place)
      part.classList.toggle('sending', index === place)
    }
    this.#ports.style.setProperty('--knock', `${knockMs}ms`)
  }

  /** Marks the sequence as used. It cannot be used again. */
  markUsed(): void {
    this.#used = true
    this.#knock.disabled = true
    this.#knock.textContent = 'Used'
    this.#heading.textContent = 'Used sequence'
    this.#section.classList.add('used')
    for (const part of this.#ports.children) part.className = 'sent'
  }

  #unreachable(): string {
    return this.#host === undefined
      ? 'This page does not know the host. Knock by hand.'
      : 'Browsers do not let a page knock at an IPv6 address. Knock by hand.'
  }

  #note(text: string | undefined): void {
    this.#knockNote.textContent = text ?? ''
    this.#knockNote.hidden = text === undefined
  }

  #rows(sequence: readonly Knock[]): readonly Node[] {
    const rows = commandsFor(this.#host ?? SOME_HOST, sequence).map(row)
    if (this.#host !== undefined) return rows
    return [...rows, make('p', 'note', `Replace ${SOME_HOST} with the door’s host.`)]
  }
}

function tile({ port, protocol, size }: Knock): HTMLElement {
  if (protocol === ICMP) return make('li', '', [make('b', '', String(size)), make('small', '', 'ping')])
  const kind = protocol === TCP ? 'tcp' : size === undefined ? 'udp' : `udp/${size}`
  return make('li', '', [make('b', '', String(port)), make('small', '', kind)])
}

function row({ program, text }: Command): HTMLElement {
  const code = make('code', '', text)
  // On a small screen the code can be scrolled, also by keys.
  code.tabIndex = 0
  const parts: HTMLElement[] = [make('span', '', program), code]
  // Browsers allow the clipboard for https only. Otherwise one touch selects the whole text, by the style sheet.
  if (globalThis.isSecureContext) parts.push(copyButton(program, text))
  return make('div', 'command', parts)
}

function copyButton(program: string, text: string): HTMLElement {
  const button = make('button', 'quiet', 'Copy')
  button.setAttribute('type', 'button')
  button.setAttribute('aria-label', `Copy the ${program} command`)
  button.addEventListener('click', () => {
    navigator.clipboard.writeText(text).then(
      () => void (button.textContent = 'Copied'),
      () => void (button.textContent = 'Select it'),
    )
  })
  return button
}

function dated(date: Date): string {
  return date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}
