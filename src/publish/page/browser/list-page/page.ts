import { readSecret } from '../decryption.ts'
import type { Secret } from '../decryption.ts'
import { element } from '../elements.ts'
import { KNOCK_MS, knock } from '../knocker.ts'
import { Lock } from '../lock.ts'
import { Session } from '../session.ts'
import { nextAt } from '../list-place.ts'
import { openList, placeAfter } from '../source.ts'
import type { Place } from '../list-place.ts'
import { SequenceView } from './sequence-view.ts'

/** The page, which is either locked or shows the next sequence. */
export class Page {
  readonly #root = element('page', HTMLElement)
  readonly #lock = new Lock()
  readonly #view = new SequenceView(this.#root.dataset['host'])
  readonly #url = this.#root.dataset['list']!
  readonly #urlHost = this.#root.dataset['knock']
  readonly #session = new Session({
    setBusy: (isBusy) => (this.#view.busy = isBusy),
    lock: () => this.#forget(),
  })
  /** The secret for the next list, kept only while the page is unlocked. */
  #secret: Secret | undefined
  #place: Place | undefined

  /** Shows the form for the key and listens. */
  start(): void {
    element('insecure', HTMLElement).hidden = globalThis.isSecureContext
    this.#lock.onSubmit((typed) => void this.#open(typed))
    element('knock', HTMLButtonElement).addEventListener('click', () => void this.#knock())
    element('next', HTMLButtonElement).addEventListener('click', () => void this.#next())
    element('forget', HTMLButtonElement).addEventListener('click', () => this.#session.lock('Locked. Nothing is kept.'))
    this.#session.lock('')
  }

  async #open(typed: string): Promise<void> {
    const secret = readSecret(typed)
    await this.#session.during('Decrypting …', async (isCurrent) => {
      const place = await openList(this.#url, secret, this.#lock.progress)
      if (!isCurrent()) return
      this.#secret = secret
      this.#session.open()
      this.#lock.hide()
      this.#show(place)
      this.#view.focus()
    })
    this.#lock.done()
  }

  /** Marks the shown sequence as used. */
  async #next(): Promise<void> {
    const [before, secret] = [this.#place, this.#secret]
    if (before === undefined || secret === undefined) return
    await this.#session.during('Looking for a newer list …', async (isCurrent) => {
      const published = await openList(this.#url, secret, this.#view.progress).catch((error: unknown) => {
        this.#session.complain(error)
        return undefined
      })
      if (!isCurrent()) return
      this.#show(placeAfter(before, published?.list ?? before.list))
      this.#view.focus()
    })
  }

  async #knock(): Promise<void> {
    const sequence = this.#place === undefined ? undefined : nextAt(this.#place)
    if (sequence === undefined || this.#urlHost === undefined) return
    const urlHost = this.#urlHost
    await this.#session.during('Knocking …', async (isCurrent) => {
      await knock(urlHost, sequence, (place) => {
        if (isCurrent()) this.#view.markKnock(place, KNOCK_MS)
      })
      if (!isCurrent()) return
      this.#view.markUsed()
      this.#session.say('Knocked. A browser cannot see if the knock arrived: try your connection now.')
    })
  }

  #show(place: Place): void {
    this.#place = place
    this.#view.show(place, this.#urlHost !== undefined)
  }

  /** Neither the key nor the sequences remain in the page. */
  #forget(): void {
    this.#secret = undefined
    this.#place = undefined
    this.#view.hide()
    this.#lock.show()
  }
}
