import type { Door } from '../config/config.ts'
import { BY_HAND, readFleetHolder } from '../door/held.ts'
import type { Held, May } from '../door/held.ts'
import type { Grant } from '../door/grant.ts'
import type { Opener } from '../door/opener.ts'
import { formatForward, servicesText } from '../door/part.ts'
import type { Log } from '../log/log.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { HolderMarks } from '../secret/holder-marks.ts'
import { admits } from '../secret/door-bounds.ts'
import type { Verdict } from '../secret/authenticator.ts'

/** The longest time between two checks, in milliseconds. The clock that decides when keys expire may be set. */
const LOOK_MAX_MS = 3_600_000

/** The dependencies that decide who may hold an opening. */
export interface JudgedBy {
  readonly marks: Pick<HolderMarks, 'made'>
  readonly door: (name: string) => Door | undefined
  /** Judges by the secret of the door, as `Authenticator.mayHold` does. */
  readonly judge: (held: Held) => Verdict
  /** Judges another host by the fleet's hosts in force. Absent: this host is in no fleet. */
  readonly ofFleet?: ((host: string) => Verdict) | undefined
}

/**
 * Judges by the current config and secrets whether a holder may keep an opening. The door has to exist and admit the
 * address, and the holder's secret has to be valid. Openings made by hand here stay. Those that another host told of end
 * when that host leaves the fleet, or the door no longer takes them.
 */
export function mayHold(held: Held, { marks, door: find, judge, ofFleet }: JudgedBy): Verdict {
  if (held.holder === BY_HAND) return 'may'
  const told = readFleetHolder(held.holder)
  const holder = told === undefined ? held.holder : told.mark
  const host = told === undefined ? 'may' : (ofFleet?.(told.host) ?? 'may not')
  if (host !== 'may') return host
  // After the loss of the key, marks that it made cannot be judged.
  if (holder !== undefined && holder !== BY_HAND && !marks.made(holder)) return 'unknown'
  const door = find(held.door)
  // Ports of a removed door are closed with it. Commands close their openings when the time is over, as in knockd.
  if (door === undefined) return 'unknown'
  const address = parseAddress(held.source)
  if (address === undefined || !admits(door, [address])) return 'may not'
  if (told !== undefined && door.scope !== 'fleet') return 'may not'
  return holder === BY_HAND ? 'may' : judge({ ...held, holder })
}

/** The dependencies of the reconciler. */
export interface ReconcilerDeps extends JudgedBy {
  readonly opener: Pick<Opener, 'release'>
  readonly log: Pick<Log, 'event'>
  /** Returns when the next key expires, in milliseconds since 1970, or `Infinity`. */
  readonly nextExpiry: (now: number) => number
}

/**
 * Revocation. It compares all openings with their holders at the start and after each change of a file or config. It
 * does so again when a key expires. Openings that no holder may keep are closed.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps
  #count = 0
  #soon: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #closing: Promise<unknown> = Promise.resolve()
  #begun = false
  #stopped = false

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps
  }

  /**
   * Returns true if the grant is still permitted. Since the secret was redeemed, a reload may have changed the door, or
   * the user may have been revoked.
   */
  isStillMay({ door, source, services: some, forward: to, user, holder }: Grant): boolean {
    const [services, forward] = [servicesText({ services: some }), formatForward(to)]
    const held = { door: door.name, source: formatAddress(source), services, forward, user, holder }
    const isPresent = this.#deps.door(door.name) === door
    if (isPresent && mayHold(held, this.#deps) !== 'may not') return true
    const cause = isPresent ? 'access was revoked meanwhile' : 'the config has changed meanwhile'
    this.#deps.log.event({ kind: 'refused', level: 'notice', source: held.source, door: door.name, user, cause })
    return false
  }

  /** Waits for a slow opening, and closes it if access was revoked in the meantime. */
  async during(opening: Promise<unknown>): Promise<void> {
    const before = this.#count
    await opening
    if (this.#count !== before) this.now()
  }

  /** Closes every opening whose holder lost access, with a line in the log for each. */
  now(): void {
    if (this.#stopped) return
    this.#begun = true
    this.#count++
    const { opener, log, nextExpiry } = this.#deps
    const said = new Set<string>()
    const may: May = (held) => {
      if (mayHold(held, this.#deps) !== 'may not') return true
      const { source, door, user } = held
      // A door can have ports and commands. They are logged as one opening.
      const key = [source, door, user].join('\n')
      if (!said.has(key)) log.event({ kind: 'revoked', source, door, user })
      said.add(key)
      return false
    }
    const before = this.#closing.catch(() => undefined)
    this.#closing = Promise.all([before, opener.release(may)])
    clearTimeout(this.#timer)
    const present = Date.now()
    const waitMs = Math.min(nextExpiry(present) - present, LOOK_MAX_MS)
    this.#timer = setTimeout(() => this.now(), waitMs).unref()
  }

  /** Resolves once everything is closed that {@link now} found. */
  async closed(): Promise<void> {
    await this.#closing
  }

  /**
   * Runs {@link now} soon, once for all files that change together. Before the first check at the start, it does
   * nothing. Until then, not all openings and holders are known.
   */
  soon(): void {
    if (!this.#begun) return
    this.#soon ??= setImmediate(() => {
      this.#soon = undefined
      this.now()
    })
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearImmediate(this.#soon)
  }
}
