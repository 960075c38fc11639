import { contains } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import type { Address } from '../packet/address.ts'
import { ACK, ICMP, RST, TCP, sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import type { Effect } from './effect.ts'
import type { Stray } from './progress.ts'
import type { Sequences } from './sequences.ts'
import type { Sources } from './sources.ts'
import { FORGOTTEN_AFTER, isCodePort, isUsedUp, regained, regainedIn, withWrongCode } from './wrong-codes.ts'
import type { CodeKind } from './wrong-codes.ts'

/** Milliseconds from a source's first wrong port until its count of wrong ports restarts. */
export const SCAN_WINDOW_MS = 60_000
/** Milliseconds in a tenth of a second, the time unit of the source table. */
export const TENTH_MS = 100

/** The strictness of the scan guard. */
export interface GuardSettings {
  /** The number of distinct wrong ports that make a source a scanner; 0 turns the scan guard off. */
  readonly scanPorts: number
  /** Milliseconds for which a scanner is ignored, and after which a wrong code is forgotten. */
  readonly scanIgnoreMs: number
  /** The networks whose addresses are never ignored. */
  readonly allowed?: readonly Network[]
}

/** A source that is ignored. */
export interface Ignored {
  readonly source: Address
  /**
   * The sequences or doors that ignore the source. `scan`: sequences that a port scan could complete. `codes`,
   * `codes behind`: doors with codes.
   */
  readonly why: 'scan' | 'codes' | 'codes behind'
  /** Milliseconds since 1970. */
  readonly until: number
}

/**
 * The scan guard decides which sources are ignored. Sequences that a port scan could complete ignore scanners, and
 * doors with codes ignore sources that guess codes. All other doors still open for these sources. Times are tenths of a
 * second since the gate's first packet.
 */
export class ScanGuard {
  readonly #sequences: Sequences
  readonly #sources: Sources
  #settings: GuardSettings

  constructor(sequences: Sequences, sources: Sources, settings: GuardSettings) {
    this.#sequences = sequences
    this.#sources = sources
    this.#settings = settings
  }

  tune(settings: GuardSettings): void {
    this.#settings = settings
  }

  /** Tenths of a second after which nothing about a source matters. */
  get memory(): number {
    return Math.max(SCAN_WINDOW_MS / TENTH_MS, this.#regain * FORGOTTEN_AFTER)
  }

  /** Returns the kind of stray that the packet is where it is not a knock. */
  strayOf(packet: Packet): Stray {
    if (this.#settings.scanPorts === 0 || !mayBegin(packet)) return 'none'
    if (packet.protocol === ICMP) return 'ping'
    return isCodePort(packet) ? 'code' : 'stray'
  }

  /** Stops ignoring a source whose time is over or which is always allowed, and updates its wrong codes. */
  lift(slot: number, packet: Packet, now: number): void {
    const { scanPorts, scanIgnoreMs } = this.#settings
    const free = scanPorts === 0 || this.#isAllowed(sourceOf(packet))
    const ignoredFor = (now - this.#sources.since(slot)) * TENTH_MS
    if (this.#sources.ignored(slot) && (free || ignoredFor >= scanIgnoreMs)) {
      this.#sources.setIgnored(slot, false, now)
    }
    const wrong = this.#sources.wrongCodes(slot)
    if (wrong !== 0) this.#sources.setWrongCodes(slot, free ? 0 : regained(wrong, now, this.#regain))
  }

  /** Counts a stray to a port outside all sequences. Returns true if the source is now a scanner. */
  touch(slot: number, packet: Packet, key: number, now: number): boolean {
    const { scanPorts } = this.#settings
    if (scanPorts === 0) return false
    const touched = this.#sources.touch(slot, key, now, SCAN_WINDOW_MS / TENTH_MS)
    return touched >= scanPorts && !this.#isAllowed(sourceOf(packet))
  }

  /** Milliseconds for which a scanner is ignored; 0 if no door could be opened by a port scan. */
  get ignoredMs(): number {
    return this.#sequences.anyScannable ? this.#settings.scanIgnoreMs : 0
  }

  /** Counts a wrong code. */
  guess(slot: number, packet: Packet, behind: boolean, now: number, effects: Effect[]): void {
    const bare = this.#sequences.anyBareCode
    if (!bare && !behind) return
    const isNew = this.#sources.isNewCodePort(slot, packet.port)
    const before = this.#sources.wrongCodes(slot)
    if (before === 0 && this.#isAllowed(sourceOf(packet))) return
    let wrong = before
    if (bare && isNew) wrong = withWrongCode(wrong, 'bare', now, this.#regain)
    if (behind) wrong = withWrongCode(wrong, 'behind', now, this.#regain)
    this.#sources.setWrongCodes(slot, wrong)
    const usesUp = (kind: CodeKind): boolean => isUsedUp(wrong, kind) && !isUsedUp(before, kind)
    if (!usesUp('bare') && !usesUp('behind')) return
    const kind = usesUp('behind') ? 'behind' : 'bare'
    const ignoredMs = regainedIn(wrong, kind, now, this.#regain) * TENTH_MS
    effects.push({ kind: 'guesses', source: sourceOf(packet), behind: kind === 'behind', ignoredMs })
  }

  /** Returns the reasons why the source is ignored, each with the remaining tenths of a second. */
  ignored(slot: number, now: number): readonly { readonly why: Ignored['why']; readonly left: number }[] {
    if (this.#settings.scanPorts === 0 || this.#isAllowed(this.#sources.address(slot))) return []
    const scanLeft = this.#regain - (now - this.#sources.since(slot))
    const wrong = regained(this.#sources.wrongCodes(slot), now, this.#regain)
    const codes = (kind: CodeKind): number =>
      isUsedUp(wrong, kind) ? Math.max(1, regainedIn(wrong, kind, now, this.#regain)) : 0
    return (
      [
        { why: 'scan', left: this.#sources.ignored(slot) ? scanLeft : 0 },
        { why: 'codes', left: codes('bare') },
        { why: 'codes behind', left: codes('behind') },
      ] as const
    ).filter(({ left }) => left > 0)
  }

  #isAllowed(source: Address): boolean {
    const { allowed } = this.#settings
    return allowed !== undefined && allowed.some((network) => contains(network, source))
  }

  /** Returns true if the source is kept longer than others. */
  keeps(slot: number): boolean {
    return this.#sources.ignored(slot) || this.#sources.wrongCodes(slot) !== 0
  }

  /** Stops ignoring a source and forgets its wrong codes. */
  forgive(slot: number, now: number): void {
    this.#sources.setIgnored(slot, false, now)
    this.#sources.setWrongCodes(slot, 0)
  }

  /** Tenths of a second after which a wrong code is forgotten. */
  get #regain(): number {
    return Math.max(1, Math.ceil(this.#settings.scanIgnoreMs / TENTH_MS))
  }
}

/** Returns true if the packet could be part of a scan: a datagram, a ping, or a packet that may begin a connection. */
export function mayBegin({ protocol, flags }: Packet): boolean {
  return protocol !== TCP || (flags & (ACK | RST)) === 0
}
