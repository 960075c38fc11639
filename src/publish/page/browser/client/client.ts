import { decodeProfile, encodeProfile } from '../../../client-profile.ts'
import type { ClientMeans, ClientProfile } from '../../../client-profile.ts'
import { keyByPassphrase, parseSealed, passphraseSlot, seal, unseal, withSlot } from '../../sealed.ts'
import type { Slot } from '../../sealed.ts'
import { element } from '../elements.ts'
import { Fault } from '../fault.ts'
import { KNOCK_MS, knock, whyNot } from '../knocker.ts'
import { Lock } from '../lock.ts'
import { Session } from '../session.ts'
import { takeFragment } from './address-bar.ts'
import { cipherOf } from './cipher.ts'
import { ClockNote } from './clock-note.ts'
import { fragmentIn, profileFor } from './fragment.ts'
import { Codes, FixedSequence } from './means.ts'
import type { ListMaker, Means, Turn } from './means.ts'
import { hasPasskeys, keyByAnyPasskey, newPasskeySlot } from './passkey.ts'
import { ProtectForm } from './protect-form.ts'
import { Sent } from './sent.ts'
import { tryPort, wordsFor } from './service-port.ts'
import { browserStorage, Vault } from './vault.ts'
import { ClientView } from './view.ts'
import { becomeApp } from './worker.ts'

/** The most rounds of one touch: the second one when the service's port stays silent. */
const ROUNDS_MAX = 2
/** Milliseconds between two looks at the clock. */
const TICK_MS = 500

/** An unlocked profile, and the key that it is encrypted under. */
interface Unlocked {
  readonly profile: ClientProfile
  readonly key: Uint8Array
  readonly means: Means
}

/** The page as a client: empty, locked, or open. */
export class Client {
  readonly #root = element('page', HTMLElement)
  readonly #host = this.#root.dataset['host']!
  readonly #door = this.#root.dataset['door']!
  readonly #urlHost = this.#root.dataset['knock']
  readonly #vault: Vault
  readonly #sent: Sent
  readonly #makeList: ListMaker | undefined
  readonly #lock = new Lock()
  readonly #protect = new ProtectForm()
  readonly #clock = new ClockNote()
  readonly #view = new ClientView(this.#host, this.#urlHost !== undefined)
  readonly #session = new Session({ setBusy: (isBusy) => this.#setBusy(isBusy), lock: () => this.#forget() })
  #open: Unlocked | undefined
  /** A profile that came by a link, and is not stored yet. */
  #offered: ClientProfile | undefined
  #ticking: ReturnType<typeof setInterval> | undefined
  /** Ends a wait for the next code. */
  #waiting: AbortController | undefined

  /** @param makeList opens lists; `undefined`: this page has no lists */
  constructor(makeList: ListMaker | undefined) {
    const storage = browserStorage()
    const { file, sealed } = this.#root.dataset
    const name = `postern-client ${new URL(file!, location.href).pathname}`
    this.#vault = new Vault(storage, name, parseSealed(sealed ?? ''))
    this.#sent = new Sent(storage, `${name} sent`)
    this.#makeList = makeList
  }

  /** Shows the form for the key, or for a link, and listens. */
  start(): void {
    element('insecure', HTMLElement).hidden = globalThis.isSecureContext
    this.#lock.onSubmit((typed) => void this.#openBy(async () => await this.#keyBy(typed)))
    this.#protect.onSubmit((passphrase) => void this.#keep(async (key) => await this.#slotOf(key, passphrase)))
    const clicks: readonly (readonly [id: string, act: () => void])[] = [
      ['passkey-open', () => void this.#openBy(async () => await keyByAnyPasskey(this.#vault.sealed!, this.#cipher()))],
      ['protect-passkey', () => void this.#keep(async (key) => await this.#passkeyOf(key, this.#offered!))],
      ['protect-cancel', () => this.#session.lock('Nothing was kept.')],
      ['replace', () => this.#askProtection()],
      ['keep-old', () => this.#session.lock('The secret of before was kept.')],
      ['passkey-add', () => void this.#addPasskey()],
      ['knock', () => void this.#knock()],
      ['stop', () => this.#waiting?.abort()],
      ['forget', () => this.#session.lock('Locked.')],
      ['remove', () => this.#confirmRemoval('remove')],
      ['remove-locked', () => this.#confirmRemoval('remove-locked')],
    ]
    for (const [id, act] of clicks) element(id, HTMLButtonElement).addEventListener('click', act)
    element('link-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault()
      const field = element('link', HTMLInputElement)
      this.#offer(fragmentIn(field.value))
      field.value = ''
    })
    addEventListener('hashchange', () => this.#takeLink())
    this.#vault.onChange(() => this.#session.lock('The secret was changed in another tab.'))
    this.#session.lock('')
    this.#takeLink()
    const { worker, manifest } = this.#root.dataset
    becomeApp(worker!, manifest!)
  }

  #takeLink(): void {
    const fragment = takeFragment()
    if (fragment !== undefined) this.#offer(fragment, true)
  }

  /** Looks at a link's secret. Nothing is stored, and nothing replaced, before somebody agrees. */
  #offer(fragment: string, isFromAddress = false): void {
    this.#session.lock('')
    // A page can remove a link from its tab, and not from the browser's own records.
    element('protect-history', HTMLElement).hidden = !isFromAddress
    try {
      const profile = profileFor(fragment, this.#door, this.#host)
      if (this.#vault.isEmbedded)
        throw new Fault('This page has its secret already.', 'Open the link at the page that it names.')
      if (profile.means.kind === 'list' && this.#makeList === undefined) throw NO_LISTS
      this.#offered = profile
      if (this.#vault.sealed === undefined) this.#askProtection()
      else this.#section('replace-part')
    } catch (error) {
      this.#session.complain(error)
    }
  }

  #askProtection(): void {
    const profile = this.#offered
    if (profile === undefined) return
    this.#section('protect')
    const whose = profile.user === undefined ? 'It' : `The secret of ${profile.user}`
    this.#protect.show(
      `${whose} opens ${profile.door} at ${profile.host} by ${MEANS_WORDS[profile.means.kind]}.`,
      hasPasskeys(),
    )
  }

  /** Encrypts the offered profile, and stores it. */
  async #keep(makeSlot: (key: Uint8Array) => Promise<Slot>): Promise<void> {
    const profile = this.#offered
    if (profile === undefined) return
    await this.#session.during('Encrypting …', async (isCurrent) => {
      const { sealed, key } = seal(encodeProfile(profile), this.#cipher())
      const kept = withSlot(sealed, await makeSlot(key))
      if (!isCurrent()) return
      this.#vault.keep(kept)
      this.#sent.forget()
      this.#offered = undefined
      await this.#unlock(profile, key, isCurrent)
    })
  }

  async #keyBy(passphrase: string): Promise<Uint8Array> {
    const sealed = this.#vault.sealed
    const key = sealed && (await keyByPassphrase(sealed, passphrase, cipherOf(this.#lock.progress)))
    if (key !== undefined) return key
    throw sealed?.slots.some(({ kind }) => kind === 'passphrase') === true
      ? new Fault('This passphrase does not open the secret.', 'Show what you typed and check it.')
      : new Fault('This secret has no passphrase.', 'Unlock it with its passkey.')
  }

  async #openBy(findKey: () => Promise<Uint8Array>): Promise<void> {
    await this.#session.during('Decrypting …', async (isCurrent) => {
      const sealed = this.#vault.sealed
      const key = await findKey()
      if (!isCurrent() || sealed === undefined) return
      const read = decodeProfile(unseal(sealed, key, this.#cipher()) ?? '')
      if ('message' in read) throw new Fault('The stored secret is damaged.', 'Remove it, and open your link again.')
      await this.#unlock(read.value, key, isCurrent)
    })
    this.#lock.done()
  }

  async #unlock(profile: ClientProfile, key: Uint8Array, isCurrent: () => boolean): Promise<void> {
    const means = await this.#meansOf(profile.means)
    if (!isCurrent()) return
    this.#open = { profile, key, means }
    this.#session.open()
    // The passphrase does not remain in a hidden field.
    this.#lock.hide()
    this.#protect.hide()
    this.#section('client')
    const { service, user } = profile
    element('service', HTMLElement).textContent = service === undefined ? 'not said' : `port ${service}`
    element('user', HTMLElement).textContent = user ?? 'not said'
    element('passkey-add', HTMLElement).hidden = !hasPasskeys() || this.#hasPasskeySlot()
    this.#tick()
    this.#ticking = setInterval(() => this.#tick(), TICK_MS)
    this.#view.focus()
    if (profile.means.kind === 'codes') void this.#clock.compare(profile.means.secret.periodS)
  }

  async #meansOf(means: ClientMeans): Promise<Means> {
    if (means.kind === 'codes') return new Codes(means, this.#sent)
    if (means.kind === 'sequence') return new FixedSequence(means.knocks)
    if (this.#makeList === undefined) throw NO_LISTS
    return await this.#makeList(means, this.#lock.progress)
  }

  async #addPasskey(): Promise<void> {
    await this.#session.during('Making a passkey …', async (isCurrent) => {
      const open = this.#open
      if (open === undefined) return
      const slot = await this.#passkeyOf(open.key, open.profile)
      const { sealed } = this.#vault
      if (!isCurrent() || sealed === undefined) return
      this.#vault.keep(withSlot(sealed, slot))
      element('passkey-add', HTMLElement).hidden = true
      this.#session.say('From now on a passkey unlocks this page, too.')
    })
  }

  async #passkeyOf(key: Uint8Array, { user, door, host }: ClientProfile): Promise<Slot> {
    return await newPasskeySlot(key, `${user ?? 'knock'}, ${door} at ${host}`, this.#cipher())
  }

  async #slotOf(key: Uint8Array, passphrase: string): Promise<Slot> {
    return await passphraseSlot(key, passphrase, cipherOf(this.#protect.progress))
  }

  async #knock(): Promise<void> {
    const [open, urlHost] = [this.#open, this.#urlHost]
    if (open === undefined || urlHost === undefined) return
    const { means, profile } = open
    await this.#session.during('Knocking …', async (isCurrent) => {
      for (let round = 1; round <= ROUNDS_MAX; round++) {
        const turn = await this.#nextTurn(means, isCurrent)
        if (turn === undefined || !isCurrent()) return
        turn.claim()
        this.#tick()
        await knock(urlHost, turn.knocks, (place) => {
          if (isCurrent()) this.#view.mark(place, KNOCK_MS)
        })
        if (!isCurrent()) return
        this.#view.markSent()
        const { service } = profile
        const words = wordsFor(service === undefined ? undefined : await tryPort(urlHost, service), service)
        if (!isCurrent()) return
        if (words !== undefined) return this.#session.say(words)
        if (!means.hasNext || round === ROUNDS_MAX) throw staysShut(service!)
        this.#session.say(`Port ${service} stays shut. The page knocks once more with what is next.`)
      }
    })
  }

  /** Waits for the next turn, and returns it; `undefined`: all are used, or somebody ended the wait. */
  async #nextTurn(means: Means, isCurrent: () => boolean): Promise<Turn | undefined> {
    for (;;) {
      const turn = await means.turn(this.#clock.now())
      this.#tick()
      if (turn === undefined) throw new Fault('No sequence is left.', 'The door’s owner can make more.')
      if (typeof turn !== 'number') {
        const obstacle = whyNot(turn.knocks)
        if (obstacle !== undefined) throw new Fault('A browser cannot send this.', obstacle)
        return turn
      }
      this.#session.say('Waiting for the next code …')
      this.#view.waiting()
      this.#waiting = new AbortController()
      const isOver = await elapsed(turn, this.#waiting.signal)
      if (!isCurrent()) return undefined
      this.#session.say(isOver ? 'Knocking …' : 'Nothing more was sent.')
      if (!isOver) return undefined
    }
  }

  #tick(): void {
    if (this.#open !== undefined) this.#view.show(this.#open.means.show(this.#clock.now()))
  }

  /** Asks once more before a secret is removed, by the same button. */
  #confirmRemoval(id: string): void {
    const button = element(id, HTMLButtonElement)
    if (button.dataset['sure'] === undefined) {
      button.dataset['sure'] = ''
      button.textContent = 'Remove it for good?'
      return
    }
    this.#vault.remove()
    this.#sent.forget()
    this.#session.lock('The secret was removed from this browser.')
  }

  /** Shows one section, and hides the others. */
  #section(shown: string): void {
    for (const id of ['empty', 'replace-part', 'protect', 'lock', 'client'])
      element(id, HTMLElement).hidden = id !== shown
  }

  #setBusy(isBusy: boolean): void {
    this.#view.busy = isBusy
    this.#protect.busy = isBusy
    element('passkey-open', HTMLButtonElement).disabled = isBusy
  }

  /** Neither the profile nor its key remains in the page. */
  #forget(): void {
    this.#waiting?.abort()
    clearInterval(this.#ticking)
    this.#open?.key.fill(0)
    if (this.#open?.profile.means.kind === 'codes') this.#open.profile.means.secret.key.fill(0)
    this.#open = undefined
    this.#offered = undefined
    this.#view.hide()
    this.#protect.hide()
    this.#clock.hide()
    for (const id of ['remove', 'remove-locked']) {
      const button = element(id, HTMLButtonElement)
      delete button.dataset['sure']
      button.textContent = 'Remove the secret from this browser'
      button.hidden = this.#vault.isEmbedded
    }
    if (this.#vault.sealed === undefined) return this.#section('empty')
    this.#lock.show()
    this.#section('lock')
    element('passkey-open', HTMLElement).hidden = !hasPasskeys() || !this.#hasPasskeySlot()
  }

  #hasPasskeySlot(): boolean {
    return this.#vault.sealed?.slots.some(({ kind }) => kind === 'passkey') === true
  }

  #cipher(): ReturnType<typeof cipherOf> {
    return cipherOf(() => undefined)
  }
}

const MEANS_WORDS: Readonly<Record<ClientMeans['kind'], string>> = {
  codes: 'codes that this page computes',
  sequence: 'a sequence',
  list: 'a list of one-time sequences',
}

const NO_LISTS = new Fault('This page was made without lists.', 'Make it for a door that publishes its list.')

function staysShut(port: number): Fault {
  return new Fault(
    `Port ${port} stays shut.`,
    'Nothing answers there. Check this device’s clock and network; the door’s log says what arrived.',
  )
}

/** Waits, unless it is ended: then it returns false. */
async function elapsed(ms: number, signal: AbortSignal): Promise<boolean> {
  return await new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve(false)
    })
  })
}
