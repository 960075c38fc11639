'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.SequenceView = void 0
const packet_js_1 = require('../../../packet/packet.js')
const commands_js_1 = require('./commands.js')
const elements_js_1 = require('./elements.js')
const knocker_js_1 = require('./knocker.js')
const source_js_1 = require('./source.js')
const SOME_HOST = 'HOST'
const FEW = 3
class SequenceView {
  #host
  #section = (0, elements_js_1.element)('sequence', HTMLElement)
  #heading = (0, elements_js_1.element)('sequence-heading', HTMLElement)
  #ports = (0, elements_js_1.element)('ports', HTMLOListElement)
  #knock = (0, elements_js_1.element)('knock', HTMLButtonElement)
  #knockNote = (0, elements_js_1.element)('knock-note', HTMLElement)
  #next = (0, elements_js_1.element)('next', HTMLButtonElement)
  #byHand = (0, elements_js_1.element)('by-hand', HTMLDetailsElement)
  #commands = (0, elements_js_1.element)('commands', HTMLElement)
  #made = (0, elements_js_1.element)('made', HTMLElement)
  #left = (0, elements_js_1.element)('left', HTMLElement)
  #progress = (0, elements_js_1.element)('next-progress', HTMLProgressElement)
  #used = false
  #canKnock = false
  constructor(host) {
    this.#host = host
  }
  set busy(busy) {
    this.#knock.disabled = busy || this.#used || !this.#canKnock
    this.#next.disabled = busy
    if (!busy) this.#progress.hidden = true
  }
  progress = (done) => {
    this.#progress.hidden = false
    this.#progress.value = done
  }
  show(place, isReachable) {
    const sequence = (0, source_js_1.nextAt)(place)
    const left = (0, source_js_1.leftAt)(place)
    this.#used = false
    this.#heading.textContent = sequence === undefined ? 'No sequence is left' : 'Next sequence'
    this.#made.textContent = place.list.made === undefined ? 'not said' : dated(place.list.made)
    this.#left.textContent = String(left)
    this.#left.classList.toggle('few', left <= FEW)
    this.#ports.replaceChildren(...(sequence ?? []).map(tile))
    this.#commands.replaceChildren(...(sequence === undefined ? [] : this.#rows(sequence)))
    for (const part of [this.#ports, this.#byHand, this.#next]) part.hidden = sequence === undefined
    const obstacle = sequence === undefined ? undefined : (0, knocker_js_1.whyNot)(sequence)
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
  hide() {
    this.#section.hidden = true
    for (const part of [this.#ports, this.#commands]) part.replaceChildren()
  }
  focus() {
    this.#heading.focus()
  }
  markKnock(place, knockMs) {
    for (const [index, part] of [...this.#ports.children].entries()) {
      part.classList.toggle('sent', index < place)
      part.classList.toggle('sending', index === place)
    }
    this.#ports.style.setProperty('--knock', `${knockMs}ms`)
  }
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
    const rows = (0, commands_js_1.commandsFor)(this.#host ?? SOME_HOST, sequence).map(row)
    if (this.#host !== undefined) return rows
    return [...rows, (0, elements_js_1.make)('p', 'note', `Put the door’s host in the place of ${SOME_HOST}.`)]
  }
}
exports.SequenceView = SequenceView
function tile({ port, protocol }) {
  return (0, elements_js_1.make)('li', '', [
    (0, elements_js_1.make)('b', '', String(port)),
    (0, elements_js_1.make)('small', '', protocol === packet_js_1.TCP ? 'tcp' : 'udp'),
  ])
}
function row({ program, text }) {
  const code = (0, elements_js_1.make)('code', '', text)
  code.tabIndex = 0
  const parts = [(0, elements_js_1.make)('span', '', program), code]
  if (globalThis.isSecureContext) parts.push(copyButton(program, text))
  return (0, elements_js_1.make)('div', 'command', parts)
}
function copyButton(program, text) {
  const button = (0, elements_js_1.make)('button', 'quiet', 'Copy')
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
