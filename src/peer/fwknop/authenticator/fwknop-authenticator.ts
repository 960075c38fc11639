import type { PacketNeeds } from '../../../capture/needs.ts'
import type { Door } from '../../../config/config.ts'
import type { Grant } from '../../../door/grant.ts'
import type { Held } from '../../../door/held.ts'
import { forwardsOf } from '../../../firewall/guard/plan.ts'
import type { LogEvent } from '../../../log/event.ts'
import { sameAddress } from '../../../packet/address.ts'
import type { Address } from '../../../packet/address.ts'
import { destinationOf } from '../../../packet/packet.ts'
import type { Packet } from '../../../packet/packet.ts'
import { arrivalOf, rejectedOf } from '../../../secret/arrival.ts'
import type { Arrival } from '../../../secret/arrival.ts'
import type { Claim, Verdict } from '../../../secret/authenticator.ts'
import type { PacketDeps } from '../../../secret/deps.ts'
import { admits, servicesFor, shortest } from '../../../secret/door-bounds.ts'
import { KnownSources } from '../../../secret/known-sources.ts'
import { PacketAuthenticator } from '../../../secret/packet-authenticator.ts'
import type { PacketProof, Reading } from '../../../secret/packet-authenticator.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { lossRefusal } from '../../../secret/since-loss.ts'
import type { Bounded, Judged, Vouched } from '../../../secret/vouched.ts'
import type { WorkBudget } from '../../../secret/work-budget.ts'
import { grant, matches } from '../access.ts'
import type { Grant as StanzaGrant } from '../access.ts'
import { claimedName } from '../claimed-name.ts'
import { Envelopes } from '../envelope.ts'
import { isSigner } from '../grant.ts'
import { openMessage, readSpa } from '../open.ts'
import type { Spa } from '../open.ts'
import { GNUPG_MIN_CHARS, PACKET_MAX_BYTES, PACKET_MIN_BYTES, readWire } from '../packet.ts'
import type { Stanza } from '../stanza.ts'
import type { Redemption } from '../../../state/ledger.ts'
import { commandsOf, cycleOf } from './commands.ts'
import { Gnupg } from './gnupg.ts'
import { holderOf, holdingOf, markOfStanza, printOfStanza, verdictOf } from './holders.ts'
import { readStanzas } from './stanzas.ts'
import type { Stanzas } from './stanzas.ts'
import { Trials } from './trials.ts'
import type { NamedTrial, Trial } from './trials.ts'
import { UsedDigests } from './used-digests.ts'
import { judgeByKey } from './vouched.ts'

const PACKETS: PacketNeeds = { datagrams: [{ first: PACKET_MIN_BYTES, last: PACKET_MAX_BYTES }], synPorts: [] }
/** The number of last characters that identify a packet. That covers at least the HMAC. */
const SEEN_CHARS = 64
const SECOND_MS = 1_000
/** The explanation for a packet that no time is left for. */
const TOO_MANY = 'too many packets from there at the moment'

/** A packet of an fwknop client that a stanza's keys opened. */
export interface FwknopProof extends PacketProof {
  readonly stanza: Stanza
  /** The fingerprint of the signing key; `undefined` if no signature is required. */
  readonly signer: string | undefined
  readonly spa: Spa
  /** The address that the packet was sent to. */
  readonly destination: Address
  /** The time of its arrival, in milliseconds since 1970. */
  readonly at: number
}

/** The origin and the destination of a packet. */
interface Sent extends Arrival {
  readonly destination: Address
}

/** The result for a packet that a stanza's keys opened: good, or refused with a reason. */
type Tried = 'good' | { readonly refused: LogEvent }

/** The text of a packet. */
interface Text {
  readonly wire: string
  /** The last characters, which identify a repeated packet. */
  readonly end: string
  readonly envelopes: Envelopes
  /** The stanzas whose gpg key may open the packet. */
  readonly sealed: Sealed[]
}

/** A message for gpg, with a stanza that it may belong to. */
interface Sealed extends Trial {
  readonly message: Uint8Array
}

/** Authenticates the packets of fwknop clients. */
export class FwknopAuthenticator extends PacketAuthenticator<Stanzas, FwknopProof> {
  protected override readonly protocols = ['fwknop', 'fwknop-keys'] as const
  protected override readonly packets = PACKETS
  protected override readonly content = 'keys'
  readonly #known: KnownSources
  readonly #gnupg = new Gnupg()
  /** The stanzas by their SOURCE, and the files' content that they were made of. */
  #trials: { readonly of: readonly (Stanzas | undefined)[]; readonly trials: Trials } | undefined
  readonly #used: UsedDigests

  constructor(deps: PacketDeps<FwknopProof>, work: WorkBudget) {
    super(deps, work)
    this.#known = new KnownSources('fwknop', deps.store, work)
    this.#used = new UsedDigests(deps)
  }

  override replace(doors: readonly Door[]): void {
    super.replace(doors)
    // Doors may change while their files, and so their stanzas, stay.
    this.#trials = undefined
  }

  protected override read(door: PacketDoor, before: Stanzas | undefined): Reading<Stanzas> {
    return readStanzas(door, before, this.deps)
  }

  /** Lets a holder keep the door if the file has the key, within the limits of its stanza. */
  protected override judge({ list }: Stanzas, held: Held): Verdict {
    return verdictOf(list, held, this.deps.marks, this.deps.clock.now())
  }

  protected override expiries({ list }: Stanzas): readonly (number | undefined)[] {
    return list.map(({ expiresMs }) => expiresMs)
  }

  override offer(packet: Packet, bytes: Uint8Array): boolean {
    const payload = this.payloadOf(packet, bytes)
    const wire = payload === undefined ? undefined : readWire(payload)
    if (wire === undefined) return false
    const arrival = { ...arrivalOf(packet), destination: destinationOf(packet) }
    const { source } = arrival
    const trials = this.#trialsNow()
    const named = trials.named(source)
    // Where each stanza has a SOURCE, nothing is decrypted for anybody else.
    if (named.length === 0 && trials.others.length === 0) return false
    const end = wire.slice(-SEEN_CHARS)
    if (this.seen.has(end)) {
      this.explainReplay(arrival.source, 'a copy of an earlier packet')
      return true
    }
    const text: Text = { wire, end, envelopes: new Envelopes(wire), sealed: [] }
    // Trying the source's last stanza costs one HMAC. A forged source address causes only that work.
    const usual = this.#usual(source)
    if (usual !== undefined) {
      const tried = this.work.run(source, 'itself', () => this.#try(usual, text, arrival))
      if (tried?.result === 'good') return true
    }
    let result = this.#tryNamed(named, text, arrival)
    if (result !== 'good' && trials.others.length > 0) {
      const tried = this.work.run(source, 'stranger', () => this.#tryAll(trials.others, text, arrival))
      if (tried === undefined) this.explain(source, TOO_MANY)
      result = tried?.result === 'good' ? 'good' : (result ?? tried?.result)
    }
    if (result !== 'good') void this.#decryptAll(text, arrival)
    if (result === undefined) return false
    if (result !== 'good') this.logRarely(source, result.refused)
    return true
  }

  /** Returns the stanzas of all doors by their SOURCE. */
  #trialsNow(): Trials {
    const states = this.doors.map(({ file }) => file.state)
    const { of, trials } = this.#trials ?? {}
    if (trials !== undefined && of?.length === states.length && states.every((state, at) => state === of[at])) {
      return trials
    }
    const all = this.doors.flatMap(({ door, file }) => (file.state?.list ?? []).map((stanza) => ({ door, stanza })))
    const made = new Trials(all, () => this.work.share())
    this.#trials = { of: states, trials: made }
    return made
  }

  /** Tries the stanzas that name the source. Each has a share of its own, so that none of them waits for another one. */
  #tryNamed(named: readonly NamedTrial[], text: Text, arrival: Sent): Tried | undefined {
    if (named.length === 0) return undefined
    const { source } = arrival
    const tried = this.work.runNamed(source, named, (left) => this.#tryAll(left, text, arrival))
    if (tried === undefined) this.explain(source, TOO_MANY)
    return tried?.result
  }

  /**
   * Returns the stanza that opened the source's last packet. After an edit of the files it may be another one. GnuPG is
   * excluded, because packets must not go to gpg twice.
   */
  #usual(source: Address): Trial | undefined {
    const [, index, name = ''] = /^(\d+) (.*)$/.exec(this.#known.hint(source) ?? '') ?? []
    const { door, file } = this.find(name) ?? {}
    const stanza = file?.state?.list[Number(index)]
    return door === undefined || stanza === undefined || stanza.gnupg !== undefined ? undefined : { door, stanza }
  }

  /** Tries stanzas until one grants the request. Returns `undefined` if no key opens the packet. */
  #tryAll(trials: readonly Trial[], text: Text, arrival: Sent): Tried | undefined {
    let refused: Tried | undefined
    for (const trial of trials) {
      const tried = this.#try(trial, text, arrival)
      if (tried === 'good') return tried
      // Another stanza with the same key may allow it.
      refused ??= tried
    }
    return refused
  }

  #try(trial: Trial, { wire, end, envelopes, sealed }: Text, arrival: Sent): Tried | undefined {
    const { stanza } = trial
    if (!matches(stanza, arrival.source, arrival.destination)) return undefined
    let refused: Tried | undefined
    const { rijndael, gnupg, hmac } = stanza
    if (rijndael !== undefined) {
      const envelope = envelopes.open('rijndael', hmac)
      const opened = 'message' in envelope ? openMessage(envelope.message, rijndael) : undefined
      if (opened !== undefined && 'spa' in opened) {
        this.seen.set(end, true)
        refused = this.#judge(trial, opened.spa, arrival)
        if (refused === 'good') return refused
      }
    }
    if (gnupg === undefined || wire.length <= GNUPG_MIN_CHARS) return refused
    const envelope = envelopes.open('gnupg', hmac)
    if ('message' in envelope) sealed.push({ ...trial, message: envelope.message })
    return refused
  }

  /**
   * Decrypts a packet with gpg for one stanza after another. However many there are, it takes one place in the queue.
   */
  async #decryptAll({ sealed, end }: Text, arrival: Sent): Promise<void> {
    // gpg would write to its folder.
    const [first] = this.deps.isReadOnly === true ? sealed.splice(0) : []
    if (first !== undefined) this.explain(arrival.source, 'packet for gpg: not replayed', first.door.name)
    for (const each of sealed) if (await this.#decrypt(each, arrival, end)) return
  }

  /** Returns true if the packet was valid and is now used. */
  async #decrypt(sealed: Sealed, arrival: Sent, end: string): Promise<boolean> {
    const { door, stanza, message } = sealed
    const { source } = arrival
    if (this.work.knows(source)) this.#gnupg.know(source)
    const cause = { source, proven: stanza.hmac !== undefined }
    const plain = await this.#gnupg.decrypt(message, stanza.gnupg!, cause)
    if ('fault' in plain) {
      // Faults of an accepted key are logged. Faults of unknown senders are only explained.
      if (plain.signer === undefined) this.explain(source, `packet for gpg: ${plain.fault}`, door.name)
      else {
        const user = holderOf(door, stanza, plain.signer)
        this.logRarely(source, rejectedOf(arrival, { packet: 'packet', user, door: door.name, reason: plain.fault }))
      }
      return false
    }
    this.seen.set(end, true)
    const read = readSpa(plain.text)
    // A reload may have removed the door while gpg ran.
    if ('fault' in read || this.find(door.name) === undefined) {
      const fault = 'fault' in read ? read.fault : 'the config has changed'
      this.explain(source, `packet for gpg: ${fault}`, door.name)
      return false
    }
    const tried = this.#judge(sealed, read.spa, arrival, plain.signer)
    if (tried !== 'good') this.logRarely(source, tried.refused)
    return tried === 'good'
  }

  /** Makes a claim of a packet that a stanza grants. A replay is not refused again. */
  #judge(trial: Trial, spa: Spa, { destination, ...arrival }: Sent, signer?: string): Tried {
    const { claimed } = this.deps
    const { door, stanza } = trial
    const [user, claimedUser] = [holderOf(door, stanza, signer), claimedName(spa.user)]
    if (this.#used.has(spa)) {
      const replay = `packet of ${user}, which claims to be ${claimedUser}: a replay`
      this.explainReplay(arrival.source, replay, door.name)
      return 'good'
    }
    const address = spa.request.address ?? arrival.source
    const proof = { address, stanza, signer, spa, destination, at: this.deps.clock.now() }
    const claim = { ...arrival, door: door.name, proof }
    const granted = this.#grant(trial, claim)
    if ('refusal' in granted) {
      const { refusal: reason } = granted
      return { refused: rejectedOf(arrival, { packet: 'packet', user, claimedUser, door: door.name, reason }) }
    }
    claimed(claim)
    return 'good'
  }

  /** Returns what a stanza and the door grant. */
  #grant(trial: Trial, claim: Claim<FwknopProof>): Grant | { readonly refusal: string } {
    const { door, stanza } = trial
    const { source, protocol, port, proof } = claim
    const { spa, signer, destination, at: now } = proof
    const { isOwn, store, marks, clock } = this.deps
    const { maxAgeMs } = door.secret
    const forwardTo = forwardsOf(door)
    const granted = grant(stanza, spa, { source, destination, now, maxAgeMs, isOwn, forwardTo })
    if ('refusal' in granted) return granted
    const refusal = this.#beyond(trial, granted, source) ?? lossRefusal(door, store, spa.timestamp * SECOND_MS)
    if (refusal !== undefined) return { refusal }
    const holding = holdingOf(marks, door, stanza, signer)
    const common = { door, source: granted.address, ...holding, claimedUser: claimedName(spa.user), protocol, port }
    if (granted.kind === 'command') return { ...common, ms: 0, commands: commandsOf(stanza, granted.command) }
    const { openS, ports: asked, nat: forward } = granted
    const ms = shortest(door.cmdTimeoutMs, openS * SECOND_MS)
    const services = door.opens.length === 0 ? undefined : servicesFor(door, asked)
    if (stanza.cycle === undefined) return { ...common, ms, services, asked, forward }
    return { ...common, asked, ...cycleOf(stanza.cycle, door, granted, { source, destination, now: clock.now() }) }
  }

  /** Returns the reason why a door refuses what a stanza grants, or `undefined`. */
  #beyond(
    { door, stanza }: Trial,
    granted: Exclude<StanzaGrant, { readonly refusal: string }>,
    source: Address,
  ): string | undefined {
    if (!admits(door, [source, granted.address])) return 'the address is not in Allow_From'
    if (granted.kind === 'command') return this.find(door.name)?.file.state?.barred(stanza)
    if (door.opens.length > 0) {
      return servicesFor(door, granted.ports) === undefined ? 'a port is not in Open_Ports' : undefined
    }
    return granted.nat === undefined ? undefined : 'only Open_Ports can be forwarded'
  }

  protected override async useUp({
    door: name,
    proof: { spa, stanza, signer },
  }: Claim<FwknopProof>): Promise<Redemption> {
    // Digests are kept for as long as any door accepts the packet.
    const ages = this.doors.map(({ door }) => door.secret.maxAgeMs ?? Infinity)
    const owner = markOfStanza(this.deps.marks, stanza, signer)
    return await this.#used.use(spa, Math.max(0, ...ages), this.find(name)?.door ?? { name }, owner)
  }

  protected override grantBy({ list }: Stanzas, door: PacketDoor, claim: Claim<FwknopProof>): Grant | undefined {
    for (const stanza of this.#present(list, claim.proof)) {
      const granted = this.#grant({ door, stanza }, claim)
      if ('refusal' in granted) continue
      const hint = `${list.indexOf(stanza)} ${door.name}`
      if (sameAddress(granted.source, claim.source)) this.#known.opened(claim.source, hint)
      return granted
    }
    return undefined
  }

  protected override judgeVouched({ list }: Stanzas, bounded: Bounded, vouched: Vouched): Judged {
    return judgeByKey(list, this.find(bounded.door.name)!.door, { bounded, vouched, ...this.deps })
  }

  /** Returns a claim's stanza, or those with its keys if the file was read again. */
  #present(list: readonly Stanza[], { stanza, signer }: FwknopProof): readonly Stanza[] {
    if (list.includes(stanza)) return [stanza]
    const print = printOfStanza(stanza, signer)
    const accepts = ({ gnupg }: Stanza): boolean =>
      signer === undefined || (gnupg?.signers !== undefined && isSigner(gnupg.signers, signer))
    return list.filter((each) => printOfStanza(each, signer) === print && accepts(each))
  }
}
