import type { Door } from '../../config/config.ts'
import { formatFault } from '../../config/fault.ts'
import type { Forward } from '../../firewall/guard/element.ts'
import { LogThrottle } from '../../limit/log-throttle.ts'
import { LruMap } from '../../limit/lru-map.ts'
import { formatAddress, parseAddress, sameAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { ACCESS_MAX_CHARS, grant, matches, readAccess } from '../../spa/fwknop/access.ts'
import type { Grant } from '../../spa/fwknop/access.ts'
import { Envelopes } from '../../spa/fwknop/envelope.ts'
import { openMessage, readSpa } from '../../spa/fwknop/open.ts'
import type { Spa } from '../../spa/fwknop/open.ts'
import { GNUPG_MIN_CHARS, PACKET_MAX_BYTES, PACKET_MIN_BYTES, readWire } from '../../spa/fwknop/packet.ts'
import type { NatTarget } from '../../spa/fwknop/request.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import { readSecretFile } from '../secret-file.ts'
import { Gnupg } from './gnupg.ts'
import { admits, arrivalText, servicesFor, shortest } from './granted.ts'
import type { Arrival, JudgeTerms } from './granted.ts'
import { KnownSources } from './known-sources.ts'
import { lossRefusal } from './since-loss.ts'
import type { WorkBudget } from './work-budget.ts'

/** Lengths of packets that may be fwknop's, in bytes. */
export const FWKNOP_LENGTHS = { first: PACKET_MIN_BYTES, last: PACKET_MAX_BYTES } as const
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
  stanzas: readonly Stanza[]
}

/** A stanza that a packet is tried with. */
interface Trial {
  readonly door: Door
  readonly stanza: Stanza
}

/** What a stanza's keys opened: it was granted, or why it was not. */
type Tried = 'good' | { readonly refusal: string }

/** A packet's text. */
interface Text {
  readonly wire: string
  /** What it is known by when it comes again. */
  readonly end: string
  readonly envelopes: Envelopes
}

/** Takes the packets of fwknop's clients. */
export class Fwknops {
  readonly #of: FwknopTerms
  readonly #seldom = new LogThrottle()
  readonly #work: WorkBudget
  readonly #known: KnownSources
  readonly #gnupg = new Gnupg()
  #doors: readonly FwknopDoor[] = []
  /** Ends of packets that were opened. */
  readonly #seen = new LruMap<string, true>(SEEN_MAX)
  #digests: number | undefined
  #sweptAt = -Infinity

  /** @param work the time that packets may take */
  constructor(of: FwknopTerms, work: WorkBudget) {
    this.#of = of
    this.#work = work
    this.#known = new KnownSources('fwknop', of.store, work)
  }

  /** Whether packets of this kind are waited for. */
  get wanted(): boolean {
    return this.#doors.length > 0
  }

  /** How many stanzas a door has; `undefined`: it is none of these. */
  users(name: string): number | undefined {
    return this.#doors.find(({ door }) => door.name === name)?.stanzas.length
  }

  /** The files of stanzas and keys. */
  get files(): readonly string[] {
    return [...new Set(this.#doors.map(({ path }) => path))]
  }

  /** Puts doors in force, and reads their files. */
  replace(doors: readonly Door[]): void {
    const before = this.#doors
    this.#doors = doors.flatMap((door) => {
      const { secret } = door
      if (secret.kind !== 'spa' || (secret.protocol !== 'fwknop' && secret.protocol !== 'fwknop-keys')) return []
      const known = before.find((each) => each.path === secret.path && each.door.name === door.name)
      return [{ door, path: secret.path, stanzas: known?.stanzas ?? [] }]
    })
    this.refresh()
  }

  /** Reads the files again. One with an error changes nothing. */
  refresh(): void {
    for (const each of this.#doors) each.stanzas = this.#read(each) ?? each.stanzas
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
    const text: Text = { wire, end, envelopes: new Envelopes(wire) }
    const { source } = arrival
    // The stanza that opened from there last costs one HMAC: whoever forges the address causes no more than that.
    const usual = this.#usual(source)
    if (usual !== undefined) {
      const tried = this.#work.run(source, 'itself', () => this.#try(usual, text, arrival))
      if (tried?.result === 'good') return true
    }
    const tried = this.#work.run(source, 'stranger', () => this.#tryAll(this.#trials(), text, arrival))
    if (tried === undefined) this.#of.explain(source, undefined, 'too many packets from there at the moment')
    if (tried?.result === undefined) return false
    if (tried.result !== 'good') this.#tell(tried.result.refusal)
    return true
  }

  /** What opened from a source last; not a stanza with GnuPG, whose packets must not go to gpg twice. */
  #usual(source: Address): Trial | undefined {
    const [line, name] = splitHint(this.#known.hint(source))
    const there = this.#doors.find(({ door }) => door.name === name)
    const stanza = there?.stanzas.find((each) => each.line === line)
    return there === undefined || stanza?.gnupg !== undefined || stanza === undefined
      ? undefined
      : { door: there.door, stanza }
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

  #try({ door, stanza }: Trial, { wire, end, envelopes }: Text, arrival: Arrival): Tried | undefined {
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
    if ('message' in envelope) void this.#decrypt(door, stanza, envelope.message, arrival)
    return refused
  }

  async #decrypt(door: Door, stanza: Stanza, message: Uint8Array, arrival: Arrival): Promise<void> {
    const plain = await this.#gnupg.decrypt(message, stanza.gnupg!)
    if ('fault' in plain) {
      this.#of.explain(arrival.source, door.name, `packet for gpg: ${plain.fault}`)
      return
    }
    const read = readSpa(plain.text)
    if ('spa' in read) {
      const refusal = this.#judge(door, stanza, read.spa, arrival)
      if (refusal !== undefined) this.#tell(refusal)
    } else this.#of.explain(arrival.source, door.name, `packet for gpg: ${read.fault}`)
  }

  /** Opens what a packet asks for, if it may have it; else why not. */
  #judge(door: Door, stanza: Stanza, spa: Spa, arrival: Arrival): string | undefined {
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
          ? lossRefusal(door, store, spa.timestamp * SECOND_MS)
          : 'the address is not in Allow_From'
    if (refusal !== undefined || 'refusal' in granted)
      return `${who}, ${arrivalText(arrival)}: ${door.name}: ${refusal}`
    void this.#commit(key, spa, { door, stanza, grant: granted, user: spa.user, arrival }, maxAgeMs ?? 0)
    return undefined
  }

  /** Makes durable that a packet was used, and opens. */
  async #commit(key: string, spa: Spa, granted: CommandGranted, maxAgeMs: number): Promise<void> {
    const { store, say } = this.#of
    try {
      if (!this.#hasRoom(maxAgeMs)) throw new Error(`${DIGESTS_MAX} packets are remembered already`)
      const isNew = await store.advance(key, String(spa.timestamp), (present) => present === undefined)
      if (!isNew) return
      const { source } = granted.arrival
      if (sameAddress(granted.grant.address, source)) this.#known.opened(source, hintOf(granted))
      this.#digests = (this.#digests ?? 0) + 1
    } catch (error) {
      const { door, grant: what } = granted
      say('error', `${formatAddress(what.address)}: ${door.name}: stays shut: ${(error as Error).message}`)
      return
    }
    this.#open(granted)
  }

  #open(all: CommandGranted): void {
    const { door, stanza, grant: granted, user, arrival } = all
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
    this.#of.open({ door, source: granted.address, ms, services, forward, user, protocol, port })
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
    if (this.#seldom.due(text.replaceAll(/[0-9]+/g, '0'), performance.now())) this.#of.say('notice', text)
  }

  #read({ door, path }: FwknopDoor): readonly Stanza[] | undefined {
    try {
      const text = readSecretFile(path, ACCESS_MAX_CHARS)
      const keys = door.secret.kind === 'spa' && door.secret.protocol === 'fwknop-keys'
      const { stanzas, faults } = readAccess(keys ? asStanza(text) : text)
      if (faults.length === 0) return stanzas
      const told = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(path, fault))
      const failed = faults.some(({ severity }) => severity === 'error')
      if (failed) told.push(`${door.name}: goes on with the keys it knew`)
      this.#of.say(failed ? 'error' : 'warning', told.join('\n'))
      return failed ? undefined : stanzas
    } catch (error) {
      this.#of.say('error', `${door.name}: goes on with the keys it knew: ${path}: ${(error as Error).message}`)
      return undefined
    }
  }
}

/** Tells a stanza from the others, as long as nobody edits the file: then it is only not tried first. */
function hintOf({ door, stanza }: Trial): string {
  return `${stanza.line} ${door.name}`
}

function splitHint(hint = ''): readonly [line: number, door: string] {
  const end = hint.indexOf(' ')
  return [Number(hint.slice(0, end)), hint.slice(end + 1)]
}

/** Where connections are sent on to; this host's own port is at the address that the packet was sent to. */
function forwardOf(nat: (NatTarget & { readonly local: boolean }) | undefined, arrival: Arrival): Forward | undefined {
  const address = nat?.local === true ? arrival.destination : parseAddress(nat?.host ?? '')
  return nat === undefined || address === undefined ? undefined : { address, port: nat.port }
}

/** Keys as `fwknop --key-gen` prints them, as the stanza of an access.conf: in its first line, so that lines stay theirs. */
export function asStanza(text: string): string {
  // What it says beside them begins with a bracket.
  const lines = text.split('\n').map((line) => line.replace(/^\[/, '# [').replace(/^([ \t]*\w+):[ \t]*/, '$1 '))
  const first = lines.findIndex((line) => /^[ \t]*\w/.test(line))
  return first < 0 ? text : ['SOURCE ANY', ...lines].join('\n')
}
