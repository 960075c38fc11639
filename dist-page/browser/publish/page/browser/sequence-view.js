import { TCP } from '../../../packet/packet.js'
import { commandsFor } from './commands.js'
import { element, make } from './elements.js'
import { whyNot } from './knocker.js'
import { leftAt, nextAt } from './source.js'
/** What stands in commands for a host that is not known here. */
const SOME_HOST = 'HOST'
/** How few sequences left are few. */
const FEW = 3
/** The next sequence, and the ways to send it. */
export class SequenceView {
  #host
  #section = element('sequence', HTMLElement)
  #heading = element('sequence-heading', HTMLElement)
  #ports = element('ports', HTMLOListElement)
  #knock = element('knock', HTMLButtonElement)
  #knockNote = element('knock-note', HTMLElement)
  #next = element('next', HTMLButtonElement)
  #byHand = element('by-hand', HTMLDetailsElement)
  #commands = element('commands', HTMLElement)
  #made = element('made', HTMLElement)
  #left = element('left', HTMLElement)
  #progress = element('next-progress', HTMLProgressElement)
  #used = false
  #canKnock = false
  /** @param host as commands have it */
  constructor(host) {
    this.#host = host
  }
  /** Whether something is under way that the buttons must wait for. */
  set busy(busy) {
    this.#knock.disabled = busy || this.#used || !this.#canKnock
    this.#next.disabled = busy
    if (!busy) this.#progress.hidden = true
  }
  /** Shows how far a passphrase is worked through, 0 to 1. */
  progress = (done) => {
    this.#progress.hidden = false
    this.#progress.value = done
  }
  /** @param isReachable whether the page may knock at the host */
  show(place, isReachable) {
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
  /** Takes all that was shown out of the page. */
  hide() {
    this.#section.hidden = true
    for (const part of [this.#ports, this.#commands]) part.replaceChildren()
  }
  /** To where a reader goes on. */
  focus() {
    this.#heading.focus()
  }
  /** Shows which knock is being sent, and those before it as sent. */
  markKnock(place, knockMs) {
    for (const [index, part] of [...this.#ports.children].entries()) {
      part.classList.toggle('sent', index < place)
      part.classList.toggle('sending', index === place)
    }
    this.#ports.style.setProperty('--knock', `${knockMs}ms`)
  }
  /** Shows the sequence as used: it opens nothing again. */
  markUsed() {
    this.#used = true
    this.#knock.disabled = true
    this.#knock.textContent = 'Used'
    this.#heading.textContent = 'Used sequence'
    this.#section.classList.add('used')
    for (const part of this.#ports.children) part.className = 'sent'
  }
  #unreachable() {
    return this.#host === undefined
      ? 'This page was not told where to knock. Knock by hand.'
      : 'Browsers do not let a page knock at an IPv6 address. Knock by hand.'
  }
  #note(text) {
    this.#knockNote.textContent = text ?? ''
    this.#knockNote.hidden = text === undefined
  }
  #rows(sequence) {
    const rows = commandsFor(this.#host ?? SOME_HOST, sequence).map(row)
    if (this.#host !== undefined) return rows
    return [...rows, make('p', 'note', `Put the door’s host in the place of ${SOME_HOST}.`)]
  }
}
function tile({ port, protocol }) {
  return make('li', '', [make('b', '', String(port)), make('small', '', protocol === TCP ? 'tcp' : 'udp')])
}
function row({ program, text }) {
  const code = make('code', '', text)
  // On a small screen it is scrolled, also by keys.
  code.tabIndex = 0
  const parts = [make('span', '', program), code]
  // Browsers have a clipboard for https only; else the text is selected as a whole by one touch (the style does that).
  if (globalThis.isSecureContext) parts.push(copyButton(program, text))
  return make('div', 'command', parts)
}
function copyButton(program, text) {
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
function dated(date) {
  return date.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short' })
}
