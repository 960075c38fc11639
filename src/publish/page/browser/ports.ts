import type { Knock } from '../../../config/config.ts'
import { ICMP, TCP } from '../../../packet/packet.ts'
import { element, make } from './elements.ts'

/** The tiles of a sequence's knocks. */
export class Ports {
  readonly #list = element('ports', HTMLOListElement)

  /** Shows a sequence; none hides the tiles. */
  show(sequence: readonly Knock[] | undefined): void {
    this.#list.replaceChildren(...(sequence ?? []).map(tile))
    this.#list.hidden = sequence === undefined
  }

  /** Marks the knock that is being sent, and the earlier ones as sent. */
  mark(place: number, knockMs: number): void {
    for (const [index, part] of [...this.#list.children].entries()) {
      part.classList.toggle('sent', index < place)
      part.classList.toggle('sending', index === place)
    }
    this.#list.style.setProperty('--knock', `${knockMs}ms`)
  }

  /** Marks all knocks as sent. */
  markSent(): void {
    for (const part of this.#list.children) part.className = 'sent'
  }
}

function tile({ port, protocol, size }: Knock): HTMLElement {
  if (protocol === ICMP) return make('li', '', [make('b', '', String(size)), make('small', '', 'ping')])
  const kind = protocol === TCP ? 'tcp' : size === undefined ? 'udp' : `udp/${size}`
  return make('li', '', [make('b', '', String(port)), make('small', '', kind)])
}
