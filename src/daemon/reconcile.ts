import type { Door, Service } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import { BY_HAND } from '../door/held.ts'
import type { Held, May } from '../door/held.ts'
import { formatForward } from '../door/part.ts'
import type { Forward } from '../firewall/guard/element.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { HolderMarks } from '../state/holder-marks.ts'
import { admits } from './spa/granted.ts'
import type { HolderJudge, Verdict } from './verdict.ts'

/** Longest between two comparisons, in milliseconds: the clock by which keys expire may be set. */
const LOOK_MAX_MS = 3_600_000

/** Whoever has openings: each is asked for all of its holders whether they may. */
export interface Released {
  release(may: May): void
}

/** What decides who may hold an opening. */
export interface JudgedBy {
  readonly marks: Pick<HolderMarks, 'made'>
  readonly door: (name: string) => Door | undefined
  /** Who judges by a door's secret; `undefined`: nobody can yet. */
  readonly judge: (door: Door) => HolderJudge | undefined
}

/**
 * Whether somebody may still hold what they hold, by everything that is in force: the door is there, admits the address,
 * and its secret is still theirs. What was opened by hand is the operator's.
 */
export function mayHold(held: Held, { marks, door: find, judge }: JudgedBy): Verdict {
  const { holder } = held
  if (holder === BY_HAND) return 'may'
  // A key that was lost tells nothing of the marks that were made under it.
  if (holder !== undefined && !marks.made(holder)) return 'unknown'
  const door = find(held.door)
  // Ports of a door that is gone are closed with it; what commands opened is closed by them, at its time, as in knockd.
  if (door === undefined) return 'unknown'
  const address = parseAddress(held.source)
  if (address === undefined || !admits(door, [address])) return 'may not'
  return judge(door)?.mayHold(held) ?? 'unknown'
}

/** What is about to be opened, and whose it will be. */
export interface Wanted {
  readonly source: Address
  readonly services?: readonly Service[] | undefined
  readonly forward?: Forward | undefined
  readonly user: string | undefined
  readonly holder: string
}

/** What comparing openings with who may hold them needs of its surroundings. */
export interface ReconcilerDeps extends JudgedBy {
  readonly openers: readonly Released[]
  readonly say: (level: 'notice', text: string) => void
  /** When the next key expires, milliseconds since 1970; `Infinity`: none does. */
  readonly nextExpiry: (now: number) => number
}

/**
 * Revocation: after every change of a file or of the config, at the start, and when a key expires, whatever is open is
 * compared with who may hold it. What nobody may hold any more is closed.
 */
export class Reconciler {
  readonly #deps: ReconcilerDeps
  #count = 0
  #soon: NodeJS.Immediate | undefined
  #timer: NodeJS.Timeout | undefined
  #begun = false
  #stopped = false

  constructor(deps: ReconcilerDeps) {
    this.#deps = deps
  }

  /**
   * Whether nothing has spoken against an opening since the knock or packet was judged: a reload, after which the door may have
   * less, or a revocation. What would be closed at once is not opened.
   */
  isStillMay(door: Door, { source, services, forward: to, user, holder }: Wanted): boolean {
    const some = services?.map(formatService).join()
    const forward = formatForward(to)
    const held = { door: door.name, source: formatAddress(source), services: some, forward, user, holder }
    const isPresent = this.#deps.door(door.name) === door
    if (isPresent && mayHold(held, this.#deps) !== 'may not') return true
    const why = isPresent ? 'access was revoked meanwhile' : 'the config has changed meanwhile'
    this.#deps.say('notice', `${held.source}: ${door.name}: stays shut: ${why}`)
    return false
  }

  /** Waits for an opening that takes its time: what was revoked meanwhile is closed then. */
  async during(opening: Promise<void>): Promise<void> {
    const before = this.#count
    await opening
    if (this.#count !== before) this.now()
  }

  /** Closes every opening whose holder may not hold it any more, with a line in the log for each. */
  now(): void {
    if (this.#stopped) return
    this.#begun = true
    this.#count++
    const { openers, say, nextExpiry } = this.#deps
    const said = new Set<string>()
    const may: May = (held) => {
      if (mayHold(held, this.#deps) !== 'may not') return true
      const { source, door, user } = held
      // A door can have ports and commands: that is one opening to people.
      const line = `${source}: ${door}: access${user === undefined ? '' : ` of ${user}`} revoked`
      if (!said.has(line)) say('notice', line)
      said.add(line)
      return false
    }
    for (const opener of openers) opener.release(may)
    clearTimeout(this.#timer)
    const present = Date.now()
    const waitMs = Math.min(nextExpiry(present) - present, LOOK_MAX_MS)
    this.#timer = setTimeout(() => this.now(), waitMs).unref()
  }

  /**
   * The same in a moment, once for all files that change together. Not before the start has looked for the first time: until
   * then not all is known of what is open, and of who may hold it.
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
