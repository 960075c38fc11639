import type { Knock } from '../../../config/config.ts'
import { commandsFor } from './commands.ts'
import type { Command } from './commands.ts'
import { element, make } from './elements.ts'

/** The placeholder for an unknown host in commands. */
const SOME_HOST = 'HOST'

/** The commands that knock without this page. */
export class ByHand {
  readonly #host: string | undefined
  readonly #details = element('by-hand', HTMLDetailsElement)
  readonly #commands = element('commands', HTMLElement)

  /** @param host the host for the commands */
  constructor(host: string | undefined) {
    this.#host = host
  }

  /** Shows the commands of sequences, each with its heading, if there is one; no sequence hides them. */
  show(...sequences: readonly (readonly [heading: string | undefined, sequence: readonly Knock[]])[]): void {
    const rows: HTMLElement[] = []
    for (const [heading, sequence] of sequences) {
      if (heading !== undefined) rows.push(make('p', 'note', heading))
      rows.push(...commandsFor(this.#host ?? SOME_HOST, sequence).map(row))
    }
    const note = make('p', 'note', `Replace ${SOME_HOST} with the door’s host.`)
    this.#commands.replaceChildren(...rows, ...(this.#host === undefined && rows.length > 0 ? [note] : []))
    this.#details.hidden = rows.length === 0
  }

  set open(isOpen: boolean) {
    this.#details.open = isOpen
  }
}

function row({ program, text }: Command): HTMLElement {
  const code = make('code', '', text)
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
