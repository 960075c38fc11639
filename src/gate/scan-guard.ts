import { contains } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import type { Address } from '../packet/address.ts'
import { ACK, RST, TCP, sourceOf } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import type { Effect } from './effect.ts'
import type { Stray } from './progress.ts'
import type { Sequences } from './sequences.ts'
import type { Sources } from './sources.ts'
import { FORGOTTEN_AFTER, isCodePort, isUsedUp, regained, regainedIn, withWrongCode } from './wrong-codes.ts'
import type { CodeKind } from './wrong-codes.ts'

/** Milliseconds from a source's first wrong port after which its count of them begins anew. */
export const SCAN_WINDOW_MS = 60_000
/** Milliseconds in the unit of time that the source table keeps. */
export const TENTH_MS = 100

/** How strict the guard is. */
export interface GuardSettings {
  /** Distinct wrong ports that make a source a scanner; 0: no scan guard. */
  readonly scanPorts: number
  /** Milliseconds a scanner is ignored for, and after which a wrong code is forgotten. */
  readonly scanIgnoreMs: number
  /** Whose packets never make them ignored. */
  readonly allowed?: readonly Network[]
}

/** A source that is ignored. */
export interface Ignored {
  readonly source: Address
  /** `scan`: by sequences that a port scan makes in passing. `codes`, `codes behind`: by doors with codes. */
  readonly why: 'scan' | 'codes' | 'codes behind'
  /** Milliseconds since 1970. */
  readonly until: number
}

/**
 * Which sources are ignored: scanners by sequences that a port scan makes in passing, and those that guess codes by doors
 * with codes. Whatever a source did, it opens all other doors. Times are tenths of a second since the gate's first packet.
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

  /** Tenths of a second after which nothing about a source matters any more. */
  get memory(): number {
    return Math.max(SCAN_WINDOW_MS / TENTH_MS, this.#regain * FORGOTTEN_AFTER)
  }

  /** What the packet is where it is no knock. */
  strayOf(packet: Packet): Stray {
    if (this.#settings.scanPorts === 0 || !mayBegin(packet)) return 'none'
    return isCodePort(packet) ? 'code' : 'stray'
  }

  /** Ends what is over of a source's being ignored, and all of it where it is always allowed. */
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

  /** Counts a stray at a port that is in no sequence. True: with it the source scans. */
  touch(slot: number, packet: Packet, key: number, now: number): boolean {
    const { scanPorts } = this.#settings
    if (scanPorts === 0) return false
    const touched = this.#sources.touch(slot, key, now, SCAN_WINDOW_MS / TENTH_MS)
    return touched >= scanPorts && !this.#isAllowed(sourceOf(packet))
  }

  /** Milliseconds that a scanner is ignored for; 0: there is no door that a scan could open. */
  get ignoredMs(): number {
    return this.#sequences.anyScannable ? this.#settings.scanIgnoreMs : 0
  }

  /** Counts a knock at a wrong port of a code. */
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

  /** Why the source is ignored, and for how many tenths of a second yet. */
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

  /** Whether a source is remembered for longer than others. */
  keeps(slot: number): boolean {
    return this.#sources.ignored(slot) || this.#sources.wrongCodes(slot) !== 0
  }

  /** Forgets what made a source ignored. */
  forgive(slot: number, now: number): void {
    this.#sources.setIgnored(slot, false, now)
    this.#sources.setWrongCodes(slot, 0)
  }

  /** Tenths of a second after which a wrong code is forgotten. */
  get #regain(): number {
    return Math.max(1, Math.ceil(this.#settings.scanIgnoreMs / TENTH_MS))
  }
}

/** Whether the packet is one that scans are made of: a datagram, or one that may begin a connection. */
export function mayBegin({ protocol, flags }: Packet): boolean {
  return protocol !== TCP || (flags & (ACK | RST)) === 0
}
