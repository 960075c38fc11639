import type { PacketNeeds } from '../../capture/needs.ts'
import type { Door } from '../../config/config.ts'
import type { Grant } from '../../door/grant.ts'
import type { Held } from '../../door/held.ts'
import { forwardsOf } from '../../firewall/guard/plan.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { sameAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { UDP, destinationOf } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'
import { arrivalOf, arrivalText } from '../../secret/arrival.ts'
import type { Arrival } from '../../secret/arrival.ts'
import type { Authenticator, Claim, Redeemed, SecretStatus, Verdict } from '../../secret/authenticator.ts'
import type { PacketDeps } from '../../secret/deps.ts'
import { admits, servicesFor, shortest } from '../../secret/door-bounds.ts'
import { DoorFiles, firstAfter } from '../../secret/door-files.ts'
import { KnownSources } from '../../secret/known-sources.ts'
import { packetDoors } from '../../secret/packet-door.ts'
import { RareNotices } from '../../secret/rare-notices.ts'
import { refusalOf, refusedMeanwhile } from '../../secret/refusal.ts'
import { lossRefusal } from '../../secret/since-loss.ts'
import type { WorkBudget } from '../../secret/work-budget.ts'
import { grant, matches } from '../../spa/fwknop/access.ts'
import type { Grant as StanzaGrant } from '../../spa/fwknop/access.ts'
import { claimedName } from '../../spa/fwknop/claimed-name.ts'
import { Envelopes } from '../../spa/fwknop/envelope.ts'
import { isSigner } from '../../spa/fwknop/grant.ts'
import { openMessage, readSpa } from '../../spa/fwknop/open.ts'
import type { Spa } from '../../spa/fwknop/open.ts'
import { GNUPG_MIN_CHARS, PACKET_MAX_BYTES, PACKET_MIN_BYTES, readWire } from '../../spa/fwknop/packet.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import { commandsOf, cycleOf } from './commands.ts'
import { Gnupg } from './gnupg.ts'
import { holderOf, markOfStanza, marksOfStanza, stanzaPermits } from './holders.ts'
import { formatHint, readHint } from './stanza-hint.ts'
import type { Trial } from './stanza-hint.ts'
import { readStanzas } from './stanzas.ts'
import type { Stanzas } from './stanzas.ts'
import { UsedDigests } from './used-digests.ts'

const NEEDS: PacketNeeds = { datagrams: [{ first: PACKET_MIN_BYTES, last: PACKET_MAX_BYTES }], synPorts: [] }
/**
 * The most opened packets that are recognized, and the number of last characters that identify one. That covers at
 * least the HMAC.
 */
const SEEN_MAX = 16_384
const SEEN_CHARS = 64
const SECOND_MS = 1_000

/** A packet of an fwknop client that a stanza's keys opened. */
export interface FwknopProof {
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

/** The result for a packet that a stanza's keys opened: granted, or refused with a reason. */
type Tried = 'good' | { readonly refusal: string }

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
export class FwknopAuthenticator implements Authenticator<FwknopProof> {
  readonly #deps: PacketDeps<FwknopProof>
  readonly #notices: RareNotices
  readonly #work: WorkBudget
  readonly #known: KnownSources
  readonly #gnupg = new Gnupg()
  readonly #used: UsedDigests
  readonly #files: DoorFiles<Stanzas>
  /** The last characters of packets that were opened. */
  readonly #seen = new LruMap<string, true>(SEEN_MAX)

  /** @param work the limit on the time for packets */
  constructor(deps: PacketDeps<FwknopProof>, work: WorkBudget) {
    this.#deps = deps
    this.#work = work
    this.#notices = new RareNotices(deps)
    this.#known = new KnownSources('fwknop', deps.store, work)
    this.#used = new UsedDigests(deps.ledger, deps.store)
    this.#files = new DoorFiles({
      content: 'keys',
      read: (door, before) => readStanzas(door, before, deps.say),
      changed: deps.holdersChanged,
      count: ({ list }) => list.length,
      say: deps.say,
    })
  }

  get needs(): PacketNeeds | undefined {
    return this.#files.size > 0 ? NEEDS : undefined
  }

  sequences(): readonly [] {
    return []
  }

  replace(doors: readonly Door[]): void {
    this.#files.replace(packetDoors(doors, ['fwknop', 'fwknop-keys']))
  }

  /** Lets a holder keep the door if the file has the key, within the limits of its stanza. */
  mayHold(held: Held): Verdict {
    const stanzas = this.#files.find(held.door)?.state
    const { holder } = held
    if (stanzas === undefined || holder === undefined) return 'unknown'
    const now = Date.now()
    const may = stanzas.list.some(
      (stanza) => marksOfStanza(this.#deps.marks, stanza).includes(holder) && stanzaPermits(stanza, held, now),
    )
    return may ? 'may' : 'may not'
  }

  nextExpiry(now: number): number {
    return firstAfter(
      now,
      Array.from(this.#trials(), ({ stanza }) => stanza.expiresMs),
    )
  }

  files(): readonly string[] {
    return this.#files.paths()
  }

  status(door: string): SecretStatus {
    return this.#files.status(door)
  }

  close(): Promise<void> {
    this.#files.close()
    return Promise.resolve()
  }

  offer(packet: Packet, bytes: Uint8Array): boolean {
    const { protocol, payloadStart, payloadEnd } = packet
    const length = payloadEnd - payloadStart
    if (protocol !== UDP || length < PACKET_MIN_BYTES || length > PACKET_MAX_BYTES) return false
    const wire = this.#files.size === 0 ? undefined : readWire(bytes.subarray(payloadStart, payloadEnd))
    if (wire === undefined) return false
    const arrival = { ...arrivalOf(packet), destination: destinationOf(packet) }
    // A copy of an opened packet costs no decryption. Otherwise anyone could use up the time by replaying packets.
    const end = wire.slice(-SEEN_CHARS)
    if (this.#seen.has(end)) {
      this.#deps.explain(arrival.source, undefined, 'a copy of an earlier packet')
      return true
    }
    const text: Text = { wire, end, envelopes: new Envelopes(wire), sealed: [] }
    const { source } = arrival
    // Trying the source's last stanza costs one HMAC. A forged source address causes only that work.
    const usual = this.#usual(source)
    if (usual !== undefined) {
      const tried = this.#work.run(source, 'itself', () => this.#try(usual, text, arrival))
      if (tried?.result === 'good') return true
    }
    const tried = this.#work.run(source, 'stranger', () => this.#tryAll(this.#trials(), text, arrival))
    if (tried === undefined) this.#deps.explain(source, undefined, 'too many packets from there at the moment')
    if (tried?.result !== 'good') void this.#decryptAll(text, arrival)
    if (tried?.result === undefined) return false
    if (tried.result !== 'good') this.#notices.say(source, tried.result.refusal)
    return true
  }

  /**
   * Returns the stanza that opened the source's last packet. GnuPG is excluded, because packets must not go to gpg
   * twice.
   */
  #usual(source: Address): Trial | undefined {
    const trial = readHint(this.#files, this.#known.hint(source))
    return trial?.stanza.gnupg === undefined ? trial : undefined
  }

  *#trials(): Generator<Trial> {
    for (const { door, state } of this.#files) for (const stanza of state?.list ?? []) yield { door, stanza }
  }

  /** Tries stanzas until one grants the request. Returns `undefined` if no key opens the packet. */
  #tryAll(trials: Iterable<Trial>, text: Text, arrival: Sent): Tried | undefined {
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
        this.#seen.set(end, true)
        const refusal = this.#judge(trial, opened.spa, arrival)
        if (refusal === undefined) return 'good'
        refused = { refusal }
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
    for (const each of sealed) if (await this.#decrypt(each, arrival, end)) return
  }

  /** Returns true if the packet was valid and is now used. */
  async #decrypt(sealed: Sealed, arrival: Sent, end: string): Promise<boolean> {
    const { door, stanza, message } = sealed
    const { source } = arrival
    if (this.#work.knows(source)) this.#gnupg.know(source)
    const cause = { source, proven: stanza.hmac !== undefined }
    const plain = await this.#gnupg.decrypt(message, stanza.gnupg!, cause)
    if ('fault' in plain) {
      // Faults of an accepted key are logged. Faults of unknown senders are only explained.
      if (plain.signer === undefined) this.#deps.explain(source, door.name, `packet for gpg: ${plain.fault}`)
      else {
        const who = `packet of ${holderOf(door, stanza, plain.signer)}`
        this.#notices.say(source, `${who}, ${arrivalText(arrival)}: ${door.name}: ${plain.fault}`)
      }
      return false
    }
    this.#seen.set(end, true)
    const read = readSpa(plain.text)
    if (!('spa' in read)) {
      this.#deps.explain(source, door.name, `packet for gpg: ${read.fault}`)
      return false
    }
    const refusal = this.#judge(sealed, read.spa, arrival, plain.signer)
    if (refusal !== undefined) this.#notices.say(source, refusal)
    return refusal === undefined
  }

  /** Makes a claim of a packet that a stanza grants. Otherwise returns the reason. */
  #judge(trial: Trial, spa: Spa, { destination, ...arrival }: Sent, signer?: string): string | undefined {
    const { explain, claimed } = this.#deps
    const { door, stanza } = trial
    const who = `packet of ${holderOf(door, stanza, signer)}, which claims to be ${claimedName(spa.user)}`
    if (this.#used.has(spa)) {
      explain(arrival.source, door.name, `${who}: a replay`)
      return undefined
    }
    const claim = { ...arrival, door: door.name, proof: { stanza, signer, spa, destination, at: Date.now() } }
    const granted = this.#grant(trial, claim)
    if ('refusal' in granted) return `${who}, ${arrivalText(arrival)}: ${door.name}: ${granted.refusal}`
    claimed(claim)
    return undefined
  }

  /** Returns what a stanza and the door grant. */
  #grant(trial: Trial, claim: Claim<FwknopProof>): Grant | { readonly refusal: string } {
    const { door, stanza } = trial
    const { source, protocol, port, proof } = claim
    const { spa, signer, destination, at: now } = proof
    const { isOwn, store, marks } = this.#deps
    const { maxAgeMs } = door.secret
    const forwardTo = forwardsOf(door)
    const granted = grant(stanza, spa, { source, destination, now, maxAgeMs, isOwn, forwardTo })
    if ('refusal' in granted) return granted
    const refusal = this.#beyond(trial, granted, source) ?? lossRefusal(door, store, spa.timestamp * SECOND_MS)
    if (refusal !== undefined) return { refusal }
    const user = holderOf(door, stanza, signer)
    const holder = markOfStanza(marks, stanza, signer)
    const common = { door, source: granted.address, user, claimedUser: claimedName(spa.user), holder, protocol, port }
    if (granted.kind === 'command') return { ...common, ms: 0, commands: commandsOf(stanza, granted.command) }
    const { openS, ports: asked, nat: forward } = granted
    const ms = shortest(door.cmdTimeoutMs, openS * SECOND_MS)
    const services = door.opens.length === 0 ? undefined : servicesFor(door, asked)
    if (stanza.cycle === undefined) return { ...common, ms, services, asked, forward }
    return { ...common, asked, ...cycleOf(stanza.cycle, door, granted, { source, destination }) }
  }

  /** Returns the reason why a door refuses what a stanza grants, or `undefined`. */
  #beyond(
    { door, stanza }: Trial,
    granted: Exclude<StanzaGrant, { readonly refusal: string }>,
    source: Address,
  ): string | undefined {
    if (!admits(door, [source, granted.address])) return 'the address is not in Allow_From'
    if (granted.kind === 'command') return this.#files.find(door.name)?.state?.barred(stanza)
    if (door.opens.length > 0) {
      return servicesFor(door, granted.ports) === undefined ? 'a port is not in Open_Ports' : undefined
    }
    return granted.nat === undefined ? undefined : 'only Open_Ports can be forwarded'
  }

  async redeem(claim: Claim<FwknopProof>): Promise<Redeemed> {
    const { source, proof } = claim
    const { spa } = proof
    const refused = { door: claim.door, source: spa.request.address ?? source }
    const refusal = refusalOf(await this.#used.use(spa, this.#longestAgeMs()), refused)
    if (refusal !== undefined) return refusal
    const file = this.#files.find(claim.door)
    if (file === undefined) return refusedMeanwhile(refused, 'the config has changed')
    for (const stanza of this.#present(file.state, proof)) {
      const trial = { door: file.door, stanza }
      const granted = this.#grant(trial, claim)
      if ('refusal' in granted) continue
      if (sameAddress(granted.source, source)) this.#known.opened(source, formatHint(this.#files, trial))
      return granted
    }
    return refusedMeanwhile(refused, 'access was revoked')
  }

  /** Returns a claim's stanza, or those with its keys if the file was read again. */
  #present(stanzas: Stanzas | undefined, { stanza, signer }: FwknopProof): readonly Stanza[] {
    if (stanzas?.list.includes(stanza) === true) return [stanza]
    const { marks } = this.#deps
    const holder = markOfStanza(marks, stanza, signer)
    const accepts = ({ gnupg }: Stanza): boolean =>
      signer === undefined || (gnupg?.signers !== undefined && isSigner(gnupg.signers, signer))
    return stanzas?.list.filter((each) => markOfStanza(marks, each, signer) === holder && accepts(each)) ?? []
  }

  /** Returns the greatest age, in milliseconds, at which any door accepts a packet. */
  #longestAgeMs(): number {
    return Math.max(0, ...Array.from(this.#files, ({ door }) => door.secret.maxAgeMs ?? Infinity))
  }
}
