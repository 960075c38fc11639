import type { Door } from '../../config/config.ts'
import { forwardsOf } from '../../firewall/guard/plan.ts'
import { grant, matches } from '../../spa/fwknop/access.ts'
import type { Grant } from '../../spa/fwknop/access.ts'
import { LogThrottle } from '../../limit/log-throttle.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { formatAddress, sameAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { Envelopes } from '../../spa/fwknop/envelope.ts'
import { openMessage, readSpa } from '../../spa/fwknop/open.ts'
import type { Spa } from '../../spa/fwknop/open.ts'
import { claimedName } from '../../spa/fwknop/claimed-name.ts'
import { GNUPG_MIN_CHARS, PACKET_MAX_BYTES, PACKET_MIN_BYTES, readWire } from '../../spa/fwknop/packet.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import type { Held } from '../../door/held.ts'
import type { HolderJudge, Verdict } from '../verdict.ts'
import { markOfStanza, marksOfStanza, stanzaPermits } from './fwknop-holders.ts'
import { Gnupg } from './gnupg.ts'
import { admits, arrivalText, servicesFor, shortest } from './granted.ts'
import type { Arrival, JudgeTerms } from './granted.ts'
import { holderOf } from './holder.ts'
import { KnownSources } from './known-sources.ts'
import { lossRefusal } from './since-loss.ts'
import { StanzaFile } from './stanza-file.ts'
import { formatHint, readHint } from './stanza-hint.ts'
import type { Trial } from './stanza-hint.ts'
import { UsedDigests } from './used-digests.ts'
import type { WorkBudget } from './work-budget.ts'

/** Lengths of packets that may be fwknop's, in bytes. */
export const FWKNOP_LENGTHS = { first: PACKET_MIN_BYTES, last: PACKET_MAX_BYTES } as const
/** How many packets that were opened are known again, and by how many of their last characters: an HMAC at the least. */
const SEEN_MAX = 16_384
const SEEN_CHARS = 64
const SECOND_MS = 1_000

/** What a packet of fwknop's can also be granted. */
export interface CommandGranted {
  readonly door: Door
  readonly stanza: Stanza
  readonly grant: Exclude<Grant, { readonly refusal: string }>
  /** Whose key it was, and whose packet it says it is. */
  readonly user: string
  readonly claimedUser: string
  /** The mark of the key. */
  readonly holder: string
  readonly arrival: Arrival
}

/** What the judge of fwknop's packets needs beside what all do. */
export interface FwknopTerms extends JudgeTerms {
  /** Whether an address is one of this machine's at the moment. */
  readonly isOwn: (address: Address) => boolean
  /** Runs a command that a packet brought, or the pair of a stanza's cycle. */
  readonly run: (granted: CommandGranted) => void
}

/** What a stanza's keys opened: it was granted, or why it was not. */
type Tried = 'good' | { readonly refusal: string }

/** A packet's text. */
interface Text {
  readonly wire: string
  /** What it is known by when it comes again. */
  readonly end: string
  readonly envelopes: Envelopes
  /** Stanzas whose key gpg may have for it. */
  readonly sealed: Sealed[]
}

/** A message for gpg, and the stanza that it may be under. */
interface Sealed extends Trial {
  readonly message: Uint8Array
}

/** Takes the packets of fwknop's clients. */
export class Fwknops implements HolderJudge {
  readonly #of: FwknopTerms
  readonly #seldom = new LogThrottle()
  readonly #work: WorkBudget
  readonly #known: KnownSources
  readonly #gnupg = new Gnupg()
  readonly #used: UsedDigests
  #doors: readonly StanzaFile[] = []
  /** Ends of packets that were opened. */
  readonly #seen = new LruMap<string, true>(SEEN_MAX)

  /** @param work the time that packets may take */
  constructor(of: FwknopTerms, work: WorkBudget) {
    this.#of = of
    this.#work = work
    this.#known = new KnownSources('fwknop', of.store, work)
    this.#used = new UsedDigests(of.store)
  }

  /** Whether packets of this kind are waited for. */
  get wanted(): boolean {
    return this.#doors.length > 0
  }

  /** How many stanzas a door has; `undefined`: it is none of these. */
  users(name: string): number | undefined {
    return this.#doors.find(({ door }) => door.name === name)?.stanzas.length
  }

  /** Puts doors in force, and reads their files. */
  replace(doors: readonly Door[]): void {
    const before = this.#doors
    this.close()
    this.#doors = doors.flatMap((door) => {
      if (door.secret.kind !== 'spa') return []
      const { path, protocol } = door.secret
      if (protocol !== 'fwknop' && protocol !== 'fwknop-keys') return []
      const same = before.find((each) => each.path === path && each.protocol === protocol)
      return [new StanzaFile(door, { path, protocol }, this.#of, same?.known)]
    })
    this.refresh()
  }

  /** Reads the files again. One with an error adds nobody; whose key it has no more is out. */
  refresh(): void {
    for (const each of this.#doors) each.refresh()
  }

  /** Whoever has a key in the file may hold the door, within what the stanza allows. */
  mayHold(held: Held): Verdict {
    const stanzas = this.#doors.find(({ door }) => door.name === held.door)?.known
    const { holder } = held
    if (stanzas === undefined || holder === undefined) return 'unknown'
    const now = Date.now()
    const may = stanzas.some(
      (stanza) => marksOfStanza(this.#of.marks, stanza).includes(holder) && stanzaPermits(stanza, held, now),
    )
    return may ? 'may' : 'may not'
  }

  /** When the next of the stanzas expires, milliseconds since 1970. */
  nextExpiry(now: number): number {
    const ends = this.#doors.flatMap(({ stanzas }) => stanzas.map(({ expiresMs }) => expiresMs ?? Infinity))
    return Math.min(...ends.filter((end) => end > now), Infinity)
  }

  /** Watches no more. */
  close(): void {
    for (const each of this.#doors) each.close()
  }

  /** Takes a datagram. False: it is none that any stanza's key opens. */
  take(payload: Uint8Array, arrival: Arrival): boolean {
    if (this.#doors.length === 0 || payload.length < PACKET_MIN_BYTES || payload.length > PACKET_MAX_BYTES) return false
    const wire = readWire(payload)
    if (wire === undefined) return false
    // A copy of a packet that was opened costs no decryption again, or whoever plays it back would use those up.
    const end = wire.slice(-SEEN_CHARS)
    if (this.#seen.has(end)) {
      this.#of.explain(arrival.source, undefined, 'a copy of a packet that came before')
      return true
    }
    const text: Text = { wire, end, envelopes: new Envelopes(wire), sealed: [] }
    const { source } = arrival
    // The stanza that opened from there last costs one HMAC: whoever forges the address causes no more than that.
    const usual = this.#usual(source)
    if (usual !== undefined) {
      const tried = this.#work.run(source, 'itself', () => this.#try(usual, text, arrival))
      if (tried?.result === 'good') return true
    }
    const tried = this.#work.run(source, 'stranger', () => this.#tryAll(this.#trials(), text, arrival))
    if (tried === undefined) this.#of.explain(source, undefined, 'too many packets from there at the moment')
    if (tried?.result !== 'good') void this.#decryptAll(text, arrival)
    if (tried?.result === undefined) return false
    if (tried.result !== 'good') this.#tell(source, tried.result.refusal)
    return true
  }

  /** What opened from a source last; not a stanza with GnuPG, whose packets must not go to gpg twice. */
  #usual(source: Address): Trial | undefined {
    const trial = readHint(this.#doors, this.#known.hint(source))
    return trial?.stanza.gnupg === undefined ? trial : undefined
  }

  *#trials(): Generator<Trial> {
    for (const { door, stanzas } of this.#doors) for (const stanza of stanzas) yield { door, stanza }
  }

  /** Tries a packet with stanzas, up to the first that grants what it asks for. `undefined`: no key opens it. */
  #tryAll(trials: Iterable<Trial>, text: Text, arrival: Arrival): Tried | undefined {
    let refused: Tried | undefined
    for (const trial of trials) {
      const tried = this.#try(trial, text, arrival)
      if (tried === 'good') return tried
      // Another stanza with the same key may allow it.
      refused ??= tried
    }
    return refused
  }

  #try({ door, stanza }: Trial, { wire, end, envelopes, sealed }: Text, arrival: Arrival): Tried | undefined {
    if (!matches(stanza, arrival.source, arrival.destination)) return undefined
    let refused: Tried | undefined
    const { rijndael, gnupg, hmac } = stanza
    if (rijndael !== undefined) {
      const envelope = envelopes.open('rijndael', hmac)
      const opened = 'message' in envelope ? openMessage(envelope.message, rijndael) : undefined
      if (opened !== undefined && 'spa' in opened) {
        this.#seen.set(end, true)
        const refusal = this.#judge(door, stanza, opened.spa, arrival)
        if (refusal === undefined) return 'good'
        refused = { refusal }
      }
    }
    if (gnupg === undefined || wire.length <= GNUPG_MIN_CHARS) return refused
    const envelope = envelopes.open('gnupg', hmac)
    if ('message' in envelope) sealed.push({ door, stanza, message: envelope.message })
    return refused
  }

  /** Has gpg look at a packet for one stanza after the other: however many there are, it takes one place among those that wait. */
  async #decryptAll({ sealed, end }: Text, arrival: Arrival): Promise<void> {
    for (const each of sealed) if (await this.#decrypt(each, arrival, end)) return
  }

  /** True: the packet was good, and is used. */
  async #decrypt({ door, stanza, message }: Sealed, arrival: Arrival, end: string): Promise<boolean> {
    const { source } = arrival
    if (this.#work.knows(source)) this.#gnupg.know(source)
    const cause = { source, proven: stanza.hmac !== undefined }
    const plain = await this.#gnupg.decrypt(message, stanza.gnupg!, cause)
    if ('fault' in plain) {
      // Of a key that counts somebody has to hear; of what strangers send nobody has.
      if (plain.signer === undefined) this.#of.explain(source, door.name, `packet for gpg: ${plain.fault}`)
      else {
        const who = `packet of ${holderOf(door, stanza, plain.signer)}`
        this.#tell(source, `${who}, ${arrivalText(arrival)}: ${door.name}: ${plain.fault}`)
      }
      return false
    }
    this.#seen.set(end, true)
    const read = readSpa(plain.text)
    if (!('spa' in read)) {
      this.#of.explain(source, door.name, `packet for gpg: ${read.fault}`)
      return false
    }
    const refusal = this.#judge(door, stanza, read.spa, arrival, plain.signer)
    if (refusal !== undefined) this.#tell(source, refusal)
    return refusal === undefined
  }

  /** Opens what a packet asks for, if it may have it; else why not. */
  #judge(door: Door, stanza: Stanza, spa: Spa, arrival: Arrival, signer?: string): string | undefined {
    const { store, explain, isOwn } = this.#of
    const user = holderOf(door, stanza, signer)
    const claimedUser = claimedName(spa.user)
    const who = `packet of ${user}, which claims to be ${claimedUser}`
    if (this.#used.has(spa)) {
      explain(arrival.source, door.name, `${who}: it came before`)
      return undefined
    }
    const maxAgeMs = door.secret.kind === 'spa' ? door.secret.maxAgeMs : undefined
    const { source, destination } = arrival
    const forwardTo = forwardsOf(door)
    const granted = grant(stanza, spa, { source, destination, now: Date.now(), maxAgeMs, isOwn, forwardTo })
    const refusal =
      'refusal' in granted
        ? granted.refusal
        : (this.#beyond(door, stanza, granted, source) ?? lossRefusal(door, store, spa.timestamp * SECOND_MS))
    if (refusal !== undefined || 'refusal' in granted)
      return `${who}, ${arrivalText(arrival)}: ${door.name}: ${refusal}`
    const holder = markOfStanza(this.#of.marks, stanza, signer)
    const all = { door, stanza, grant: granted, user, claimedUser, holder, arrival }
    void this.#commit(spa, all)
    return undefined
  }

  /** Why a door does not do what a stanza grants; `undefined`: it does. */
  #beyond(door: Door, stanza: Stanza, granted: CommandGranted['grant'], source: Address): string | undefined {
    if (!admits(door, [source, granted.address])) return 'the address is not in Allow_From'
    if (granted.kind === 'command') {
      return this.#doors.find((each) => each.door === door)?.barred(stanza)
    }
    if (door.opens.length > 0) {
      return servicesFor(door, granted.ports) === undefined ? 'a port is not in Open_Ports' : undefined
    }
    return granted.nat === undefined ? undefined : 'only Open_Ports can be sent on'
  }

  /** The age up to which a packet that opened this door, or another one did, is taken, in milliseconds. */
  #longestAgeMs(door: Door): number {
    const doors = [door, ...this.#doors.map((each) => each.door)]
    return Math.max(...doors.map(({ secret }) => (secret.kind === 'spa' ? secret.maxAgeMs : undefined) ?? Infinity))
  }

  /** Makes durable that a packet was used, and opens. */
  async #commit(spa: Spa, granted: CommandGranted): Promise<void> {
    const { say } = this.#of
    try {
      if (!(await this.#used.use(spa, this.#longestAgeMs(granted.door)))) return
      const { source } = granted.arrival
      if (sameAddress(granted.grant.address, source)) this.#known.opened(source, formatHint(this.#doors, granted))
    } catch (error) {
      const { door, grant: what } = granted
      say('error', `${formatAddress(what.address)}: ${door.name}: stays shut: ${(error as Error).message}`)
      return
    }
    this.#open(granted)
  }

  #open(all: CommandGranted): void {
    const { door, stanza, grant: granted, user, claimedUser, holder, arrival } = all
    if (granted.kind === 'command' || stanza.cycle !== undefined) {
      this.#of.run(all)
      return
    }
    const { protocol, port } = arrival
    this.#of.open({
      door,
      source: granted.address,
      ms: shortest(door.cmdTimeoutMs, granted.openS * SECOND_MS),
      services: door.opens.length === 0 ? undefined : servicesFor(door, granted.ports),
      forward: granted.nat,
      user,
      claimedUser,
      holder,
      asked: granted.ports,
      protocol,
      port,
    })
  }

  /** What concerns somebody who has a key, but seldom, as packets can be played back. */
  #tell(source: Address, text: string): void {
    if (this.#seldom.due(text.replaceAll(/[0-9]+/g, '0'), performance.now())) this.#of.say('notice', text)
    else this.#of.explain(source, undefined, text)
  }
}
