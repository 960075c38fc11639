import type { Door } from '../../config/config.ts'
import { formatFault } from '../../config/fault.ts'
import type { Forward } from '../../firewall/guard/element.ts'
import { SECRET } from '../../file/policy.ts'
import { faultsOfGnupgHome } from '../../file/faults.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { WatchedFile } from '../../file/watched-file.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import { ACCESS_MAX_CHARS, grant, matches, readAccess } from '../../spa/fwknop/access.ts'
import type { Grant } from '../../spa/fwknop/access.ts'
import { readFwknopKeys } from '../../spa/fwknop/keys.ts'
import { openMessage, readSpa } from '../../spa/fwknop/open.ts'
import type { Spa } from '../../spa/fwknop/open.ts'
import { GNUPG_MIN_CHARS, PACKET_MAX_BYTES, PACKET_MIN_BYTES, openEnvelope, readWire } from '../../spa/fwknop/packet.ts'
import type { Envelope, Hmac } from '../../spa/fwknop/packet.ts'
import type { NatTarget } from '../../spa/fwknop/request.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import type { Held } from '../../door/held.ts'
import type { HolderJudge, Verdict } from '../verdict.ts'
import { Allowance } from './allowance.ts'
import { markOfStanza, marksOfStanza, stanzaPermits, stanzasLeft } from './fwknop-holders.ts'
import { Gnupg } from './gnupg.ts'
import { SeldomSaid, admits, arrivalText, servicesFor, shortest } from './granted.ts'
import type { Arrival, JudgeTerms } from './granted.ts'

/** Lengths of packets that may be fwknop's, in bytes. */
export const FWKNOP_LENGTHS = { first: PACKET_MIN_BYTES, last: PACKET_MAX_BYTES } as const
/** HMACs a second that are computed, one for each stanza that a packet is tried with: a hundredth of a millisecond each. */
export const HMACS_PER_S = 20_000
/**
 * Decryptions a second. Each costs some hundredths of a millisecond; where a stanza has no HMAC whoever makes packets up
 * causes that.
 */
export const DECRYPTIONS_PER_S = 5_000
/** Packets that are remembered as used, at most; those that are too old to be taken again give way. */
export const DIGESTS_MAX = 32_768
/** Milliseconds for which they are remembered while there is room: the clock may be set back. */
const DIGEST_KEPT_MS = 86_400_000
/** Milliseconds between two looks for those that may be forgotten. */
const SWEEP_EVERY_MS = 60_000
/** The same where there is little room left. */
const SWEEP_FULL_EVERY_MS = 1_000
/** How many packets that were opened are known again, and by how many of their last characters: an HMAC at the least. */
const SEEN_MAX = 16_384
const SEEN_CHARS = 64
const FAULTS_SAID_MAX = 5
const SECOND_MS = 1_000
const DIGEST_KEY = 'fwknop\n'

/** What a packet of fwknop's can also be granted. */
export interface CommandGranted {
  readonly door: Door
  readonly stanza: Stanza
  readonly grant: Exclude<Grant, { readonly refusal: string }>
  readonly user: string
  /** The mark of the key. */
  readonly holder: string
  readonly arrival: Arrival
}

/** What the judge of fwknop's packets needs beside what all do. */
export interface FwknopTerms extends JudgeTerms {
  /** Runs a command that a packet brought, or the pair of a stanza's cycle. */
  readonly run: (granted: CommandGranted) => void
}

/** A door that opens to fwknop's packets, and the stanzas of its file. */
interface FwknopDoor {
  readonly door: Door
  readonly path: string
  readonly protocol: string
  stanzas: readonly Stanza[]
  readonly file: WatchedFile<readonly Stanza[]>
}

/** Takes the packets of fwknop's clients. */
export class Fwknops implements HolderJudge {
  readonly #of: FwknopTerms
  readonly #seldom = new SeldomSaid()
  readonly #gnupg = new Gnupg()
  #doors: readonly FwknopDoor[] = []
  readonly #hmacs = new Allowance(HMACS_PER_S)
  readonly #decryptions = new Allowance(DECRYPTIONS_PER_S)
  /** Ends of packets that were opened, the oldest first. */
  readonly #seen = new Set<string>()
  #digests: number | undefined
  #sweptAt = -Infinity

  constructor(of: FwknopTerms) {
    this.#of = of
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
      const { secret } = door
      if (secret.kind !== 'spa' || (secret.protocol !== 'fwknop' && secret.protocol !== 'fwknop-keys')) return []
      const { path, protocol } = secret
      const same = before.find((each) => each.path === path && each.protocol === protocol)
      const known = same?.file.state
      return [{ door, path, protocol, stanzas: known ?? [], file: this.#watchStanzas(door, path, known) }]
    })
    this.refresh()
  }

  /** Reads the files again. One with an error adds nobody; whose key it has no more is out. */
  refresh(): void {
    for (const { file } of this.#doors) file.refresh()
  }

  /** Whoever has a key in the file may hold the door, within what the stanza allows. */
  mayHold(held: Held): Verdict {
    const stanzas = this.#doors.find(({ door }) => door.name === held.door)?.file.state
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
    for (const { file } of this.#doors) file.close()
  }

  #watchStanzas(door: Door, path: string, before: readonly Stanza[] | undefined): WatchedFile<readonly Stanza[]> {
    const { say, holdersChanged } = this.#of
    const file: WatchedFile<readonly Stanza[]> = new WatchedFile<readonly Stanza[]>({
      path,
      before,
      read: () => this.#read(door, path, file.state),
      changed: (stanzas) => {
        const of = this.#doors.find((each) => each.file === file)
        if (of === undefined) return
        of.stanzas = stanzas
        holdersChanged()
      },
      failed: (error, kept) => {
        say('error', `${door.name}: ${kept ? 'goes on with the keys it knew' : 'opens to nobody'}: ${error.message}`)
      },
      unwatched: (error) => say('warning', `${path} is not watched: ${error.message}`),
    })
    return file
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
    let refused: string | undefined
    for (const { door, stanzas } of this.#doors) {
      for (const stanza of stanzas) {
        if (!matches(stanza, arrival.source, arrival.destination)) continue
        if (stanza.rijndael !== undefined) {
          const message = this.#messageIn(wire, 'rijndael', stanza.hmac)
          const opened =
            message !== undefined && this.#decryptions.take() ? openMessage(message, stanza.rijndael) : undefined
          if (opened !== undefined && 'spa' in opened) {
            this.#remember(end)
            const refusal = this.#judge(door, stanza, opened.spa, arrival)
            if (refusal === undefined) return true
            // Another stanza with the same key may allow it.
            refused ??= refusal
          }
        }
        if (stanza.gnupg === undefined || wire.length <= GNUPG_MIN_CHARS) continue
        const message = this.#messageIn(wire, 'gnupg', stanza.hmac)
        if (message !== undefined) void this.#decrypt(door, stanza, message, arrival)
      }
    }
    if (refused !== undefined) this.#tell(refused)
    return refused !== undefined
  }

  #remember(end: string): void {
    this.#seen.add(end)
    if (this.#seen.size <= SEEN_MAX) return
    const [oldest] = this.#seen
    this.#seen.delete(oldest!)
  }

  /** What an envelope holds, if its HMAC is right and there is time to look. */
  #messageIn(wire: string, envelope: Envelope, hmac: Hmac | undefined): Uint8Array | undefined {
    if (hmac !== undefined && !this.#hmacs.take()) return undefined
    const opened = openEnvelope(wire, envelope, hmac)
    return 'message' in opened ? opened.message : undefined
  }

  async #decrypt(door: Door, stanza: Stanza, message: Uint8Array, arrival: Arrival): Promise<void> {
    const plain = await this.#gnupg.decrypt(message, stanza.gnupg!)
    if ('fault' in plain) {
      this.#of.explain(arrival.source, door.name, `packet for gpg: ${plain.fault}`)
      return
    }
    const read = readSpa(plain.text)
    if ('spa' in read) {
      const refusal = this.#judge(door, stanza, read.spa, arrival, plain.signer)
      if (refusal !== undefined) this.#tell(refusal)
    } else this.#of.explain(arrival.source, door.name, `packet for gpg: ${read.fault}`)
  }

  /** Opens what a packet asks for, if it may have it; else why not. */
  #judge(door: Door, stanza: Stanza, spa: Spa, arrival: Arrival, signer?: string): string | undefined {
    const { store, explain } = this.#of
    const key = `${DIGEST_KEY}${spa.replayDigest}`
    const who = `packet of ${spa.user} (stanza of line ${stanza.line})`
    if (store.newest(key) !== undefined) {
      explain(arrival.source, door.name, `${who}: it came before`)
      return undefined
    }
    const maxAgeMs = door.secret.kind === 'spa' ? door.secret.maxAgeMs : undefined
    const { source, destination } = arrival
    const granted = grant(stanza, spa, { source, destination, now: Date.now(), maxAgeMs })
    const refusal =
      'refusal' in granted
        ? granted.refusal
        : admits(door, [source, granted.address])
          ? undefined
          : 'the address is not in Allow_From'
    if (refusal !== undefined || 'refusal' in granted)
      return `${who}, ${arrivalText(arrival)}: ${door.name}: ${refusal}`
    const holder = markOfStanza(this.#of.marks, stanza, signer)
    void this.#commit(key, spa, { door, stanza, grant: granted, user: spa.user, holder, arrival }, maxAgeMs ?? 0)
    return undefined
  }

  /** Makes durable that a packet was used, and opens. */
  async #commit(key: string, spa: Spa, granted: CommandGranted, maxAgeMs: number): Promise<void> {
    const { store, say } = this.#of
    try {
      if (!this.#hasRoom(maxAgeMs)) throw new Error(`${DIGESTS_MAX} packets are remembered already`)
      const isNew = await store.advance(key, String(spa.timestamp), (present) => present === undefined)
      if (!isNew) return
      this.#digests = (this.#digests ?? 0) + 1
    } catch (error) {
      const { door, grant: what } = granted
      say('error', `${formatAddress(what.address)}: ${door.name}: stays shut: ${(error as Error).message}`)
      return
    }
    this.#open(granted)
  }

  #open(all: CommandGranted): void {
    const { door, stanza, grant: granted, user, holder, arrival } = all
    if (granted.kind === 'command' || stanza.cycle !== undefined) {
      this.#of.run(all)
      return
    }
    const services = door.opens.length === 0 ? undefined : servicesFor(door, granted.ports)
    if (door.opens.length > 0 && services === undefined) {
      this.#tell(`packet of ${user}, ${arrivalText(arrival)}: ${door.name}: a port is not in Open_Ports`)
      return
    }
    if (granted.nat !== undefined && services === undefined) {
      this.#tell(`packet of ${user}, ${arrivalText(arrival)}: ${door.name}: only Open_Ports can be sent on`)
      return
    }
    const { protocol, port } = arrival
    const ms = shortest(door.cmdTimeoutMs, granted.openS * SECOND_MS)
    const forward = forwardOf(granted.nat, arrival)
    const of = { user, holder, asked: granted.ports, protocol, port }
    this.#of.open({ door, source: granted.address, ms, services, forward, ...of })
  }

  /** Whether one packet more can be remembered. What is too old to be taken again is forgotten now and then. */
  #hasRoom(maxAgeMs: number): boolean {
    const { store } = this.#of
    const now = Date.now()
    const full = (this.#digests ?? 0) >= DIGESTS_MAX / 2
    const everyMs = full ? SWEEP_FULL_EVERY_MS : SWEEP_EVERY_MS
    if (this.#digests === undefined || performance.now() - this.#sweptAt >= everyMs) {
      this.#sweptAt = performance.now()
      const keptMs = full ? 2 * maxAgeMs : Math.max(DIGEST_KEPT_MS, 2 * maxAgeMs)
      let left = 0
      for (const key of store.keys(DIGEST_KEY)) {
        if (Number(store.newest(key)) * SECOND_MS + keptMs > now) left++
        // What is not forgotten durably is only remembered for longer.
        else store.forget(key).catch(() => undefined)
      }
      this.#digests = left
    }
    return this.#digests < DIGESTS_MAX
  }

  /** What concerns somebody who has a key, but seldom, as packets can be played back. */
  #tell(text: string): void {
    if (this.#seldom.due(text.replaceAll(/[0-9]+/g, '0'))) this.#of.say('notice', text)
  }

  #read(door: Door, path: string, before: readonly Stanza[] | undefined): readonly Stanza[] {
    const text = readPrivateText(path, ACCESS_MAX_CHARS, SECRET)
    const keys = door.secret.kind === 'spa' && door.secret.protocol === 'fwknop-keys'
    const { stanzas, faults } = keys ? readFwknopKeys(text) : readAccess(text)
    const told = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(path, fault))
    if (faults.some(({ severity }) => severity === 'error')) {
      if (before === undefined) throw new Error(told.join('\n'))
      this.#of.say('error', [...told, `${door.name}: goes on with the keys it knew`].join('\n'))
      return stanzasLeft(before, text)
    }
    if (told.length > 0) this.#of.say('warning', told.join('\n'))
    return stanzas.filter((stanza) => this.#isSafe(door, path, stanza))
  }

  /** Whoever can write to the folder of GnuPG's chooses whose signatures count. */
  #isSafe(door: Door, path: string, { line, gnupg }: Stanza): boolean {
    const [fault] = gnupg === undefined ? [] : faultsOfGnupgHome(gnupg.homeDir)
    if (fault === undefined) return true
    const what = `${path}:${line}: opens to nobody: ${gnupg!.homeDir}: ${fault.message}`
    this.#of.say('error', `${door.name}: ${what}\n${fault.cure}`)
    return false
  }
}

/** Where connections are sent on to; this host's own port is at the address that the packet was sent to. */
function forwardOf(nat: (NatTarget & { readonly local: boolean }) | undefined, arrival: Arrival): Forward | undefined {
  const address = nat?.local === true ? arrival.destination : parseAddress(nat?.host ?? '')
  return nat === undefined || address === undefined ? undefined : { address, port: nat.port }
}
