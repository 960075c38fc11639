import type { Door } from '../../config/config.ts'
import { forwardsOf } from '../../firewall/guard/plan.ts'
import { grant, matches } from '../../spa/fwknop/access.ts'
import type { Grant } from '../../spa/fwknop/access.ts'
import { LogThrottle } from '../../limit/log-throttle.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { sameAddress } from '../../packet/address.ts'
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
import { admits, arrivalText, refusedBy, servicesFor, shortest } from './granted.ts'
import type { Arrival, JudgeTerms } from './granted.ts'
import { holderOf } from './holder.ts'
import { KnownSources } from './known-sources.ts'
import { lossRefusal } from './since-loss.ts'
import { StanzaFile } from './stanza-file.ts'
import { formatHint, readHint } from './stanza-hint.ts'
import type { Trial } from './stanza-hint.ts'
import { UsedDigests } from './used-digests.ts'
import type { WorkBudget } from './work-budget.ts'

/** The range of lengths of fwknop packets, in bytes. */
export const FWKNOP_LENGTHS = { first: PACKET_MIN_BYTES, last: PACKET_MAX_BYTES } as const
/**
 * The most opened packets that are recognized, and the number of last characters that identify one. That covers at
 * least the HMAC.
 */
const SEEN_MAX = 16_384
const SEEN_CHARS = 64
const SECOND_MS = 1_000

/** A permission for an fwknop packet, which may also be to run commands. */
export interface CommandGranted {
  readonly door: Door
  readonly stanza: Stanza
  readonly grant: Exclude<Grant, { readonly refusal: string }>
  /** The user whose key it was, and the user that the packet names. */
  readonly user: string
  readonly claimedUser: string
  /** The mark of the key. */
  readonly holder: string
  readonly arrival: Arrival
}

/** The additional dependencies of the judge of fwknop packets. */
export interface FwknopTerms extends JudgeTerms {
  /** Returns true if an address currently belongs to this host. */
  readonly isOwn: (address: Address) => boolean
  /** Runs the command of a packet, or the two commands of a stanza's cycle. */
  readonly run: (granted: CommandGranted) => void
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

/** Handles the packets of fwknop clients. */
export class Fwknops implements HolderJudge {
  readonly #of: FwknopTerms
  readonly #seldom = new LogThrottle()
  readonly #work: WorkBudget
  readonly #known: KnownSources
  readonly #gnupg = new Gnupg()
  readonly #used: UsedDigests
  #doors: readonly StanzaFile[] = []
  /** The last characters of packets that were opened. */
  readonly #seen = new LruMap<string, true>(SEEN_MAX)

  /** @param work the limit on the time for packets */
  constructor(of: FwknopTerms, work: WorkBudget) {
    this.#of = of
    this.#work = work
    this.#known = new KnownSources('fwknop', of.store, work)
    this.#used = new UsedDigests(of.store)
  }

  /** Returns true if a door needs packets of this kind. */
  get wanted(): boolean {
    return this.#doors.length > 0
  }

  /** Returns the number of a door's stanzas, or `undefined` if the door is not of this kind. */
  users(name: string): number | undefined {
    return this.#doors.find(({ door }) => door.name === name)?.stanzas.length
  }

  /** Applies a set of doors and reads their files. */
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

  /** Reads the files again. A file with an error adds no keys, but removed keys lose access. */
  refresh(): void {
    for (const each of this.#doors) each.refresh()
  }

  /** Lets a holder keep the door if the file has the key, within the limits of its stanza. */
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

  /** Returns when the next stanza expires, in milliseconds since 1970. */
  nextExpiry(now: number): number {
    const ends = this.#doors.flatMap(({ stanzas }) => stanzas.map(({ expiresMs }) => expiresMs ?? Infinity))
    return Math.min(...ends.filter((end) => end > now), Infinity)
  }

  /** Stops watching the files. */
  close(): void {
    for (const each of this.#doors) each.close()
  }

  /** Handles a datagram. Returns false if no stanza's key opens it. */
  take(payload: Uint8Array, arrival: Arrival): boolean {
    if (this.#doors.length === 0 || payload.length < PACKET_MIN_BYTES || payload.length > PACKET_MAX_BYTES) return false
    const wire = readWire(payload)
    if (wire === undefined) return false
    // A copy of an opened packet costs no decryption. Otherwise anyone could use up the time by replaying packets.
    const end = wire.slice(-SEEN_CHARS)
    if (this.#seen.has(end)) {
      this.#of.explain(arrival.source, undefined, 'a copy of an earlier packet')
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
    if (tried === undefined) this.#of.explain(source, undefined, 'too many packets from there at the moment')
    if (tried?.result !== 'good') void this.#decryptAll(text, arrival)
    if (tried?.result === undefined) return false
    if (tried.result !== 'good') this.#tell(source, tried.result.refusal)
    return true
  }

  /**
   * Returns the stanza that opened the source's last packet. GnuPG is excluded, because packets must not go to gpg
   * twice.
   */
  #usual(source: Address): Trial | undefined {
    const trial = readHint(this.#doors, this.#known.hint(source))
    return trial?.stanza.gnupg === undefined ? trial : undefined
  }

  *#trials(): Generator<Trial> {
    for (const { door, stanzas } of this.#doors) for (const stanza of stanzas) yield { door, stanza }
  }

  /** Tries stanzas until one grants the request. Returns `undefined` if no key opens the packet. */
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

  /**
   * Decrypts a packet with gpg for one stanza after another. However many there are, it takes one place in the queue.
   */
  async #decryptAll({ sealed, end }: Text, arrival: Arrival): Promise<void> {
    for (const each of sealed) if (await this.#decrypt(each, arrival, end)) return
  }

  /** Returns true if the packet was valid and is now used. */
  async #decrypt({ door, stanza, message }: Sealed, arrival: Arrival, end: string): Promise<boolean> {
    const { source } = arrival
    if (this.#work.knows(source)) this.#gnupg.know(source)
    const cause = { source, proven: stanza.hmac !== undefined }
    const plain = await this.#gnupg.decrypt(message, stanza.gnupg!, cause)
    if ('fault' in plain) {
      // Faults of an accepted key are logged. Faults of unknown senders are only explained.
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

  /** Opens the services that a packet asks for. Returns the reason if it is refused. */
  #judge(door: Door, stanza: Stanza, spa: Spa, arrival: Arrival, signer?: string): string | undefined {
    const { store, explain, isOwn } = this.#of
    const user = holderOf(door, stanza, signer)
    const claimedUser = claimedName(spa.user)
    const who = `packet of ${user}, which claims to be ${claimedUser}`
    if (this.#used.has(spa)) {
      explain(arrival.source, door.name, `${who}: a replay`)
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

  /** Returns the reason why a door refuses what a stanza grants, or `undefined`. */
  #beyond(door: Door, stanza: Stanza, granted: CommandGranted['grant'], source: Address): string | undefined {
    if (!admits(door, [source, granted.address])) return 'the address is not in Allow_From'
    if (granted.kind === 'command') {
      return this.#doors.find((each) => each.door === door)?.barred(stanza)
    }
    if (door.opens.length > 0) {
      return servicesFor(door, granted.ports) === undefined ? 'a port is not in Open_Ports' : undefined
    }
    return granted.nat === undefined ? undefined : 'only Open_Ports can be forwarded'
  }

  /** Returns the greatest age, in milliseconds, at which this door or another accepts the packet. */
  #longestAgeMs(door: Door): number {
    const doors = [door, ...this.#doors.map((each) => each.door)]
    return Math.max(...doors.map(({ secret }) => (secret.kind === 'spa' ? secret.maxAgeMs : undefined) ?? Infinity))
  }

  /** Durably marks a packet as used, and opens the door. */
  async #commit(spa: Spa, granted: CommandGranted): Promise<void> {
    const { event } = this.#of
    try {
      if (!(await this.#used.use(spa, this.#longestAgeMs(granted.door)))) return
      const { source } = granted.arrival
      if (sameAddress(granted.grant.address, source)) this.#known.opened(source, formatHint(this.#doors, granted))
    } catch (error) {
      event(refusedBy(error as Error, { door: granted.door, source: granted.grant.address, user: granted.user }))
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

  /** Logs a message about a key's owner. It is logged rarely, because packets can be replayed. */
  #tell(source: Address, text: string): void {
    if (this.#seldom.due(text.replaceAll(/[0-9]+/g, '0'), performance.now())) this.#of.say('notice', text)
    else this.#of.explain(source, undefined, text)
  }
}
