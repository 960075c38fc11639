import { randomUUID } from 'node:crypto'
import type { Door } from '../config/config.ts'
import { LruMap } from '../limit/lru-map.ts'
import { formatAddress } from '../packet/address.ts'
import { deadlineAfter, timeLeft } from '../state/deadline.ts'
import { lastDeadline, lastUser, liveHolds, withHold } from '../state/holds.ts'
import type { Opening } from '../state/opening.ts'
import { StoreError } from '../state/store.ts'
import type { Knocked, OpeningLeft, OpeningTerms } from './command-opening.ts'
import { commandEnvironment, expand } from './expand.ts'
import { heldBy } from './held.ts'
import type { May } from './held.ts'
import { isClosing, liveOf } from './live-opening.ts'
import type { Live } from './live-opening.ts'
import { Runs } from './runs.ts'
import { insertsRule, probeOf } from './stacking.ts'
import { within } from './time-limit.ts'

/** Longest time that a timer is set for before it checks the clocks again, in milliseconds. */
const TIMER_MAX_MS = 3_600_000
/** Milliseconds that a stop command, and the next knock, wait for a start command that hangs. */
export const START_OVERLAP_MAX_MS = 30_000
/** Most doors and sources remembered for cool-downs and for rules that are already in place. */
const REMEMBERED_MAX = 65_536
/** Milliseconds between two warnings that the store refuses openings. */
const REFUSED_REPORT_MS = 60_000
/** Default time limit of {@link Openings.closeAll}, in milliseconds. */
export const CLOSE_ALL_MAX_MS = 5_000

/** Opens and closes doors by shell commands, in pairs or alone. */
export class Openings {
  readonly #terms: OpeningTerms
  readonly #runs: Runs
  readonly #live = new Map<string, Live>()
  /** The last action for each door and source. The next action waits for it. */
  readonly #turns = new Map<string, Promise<void>>()
  /** The last run of each door without stop command for a source, in milliseconds of a steady clock. */
  readonly #cooling = new LruMap<string, number>(REMEMBERED_MAX)
  readonly #ran = new LruMap<string, true>(REMEMBERED_MAX)
  /** The door whose start command ran last for each source. */
  readonly #lastDoor = new LruMap<string, string>(REMEMBERED_MAX)
  #refusedSaidAt = -Infinity
  #overlapMs = START_OVERLAP_MAX_MS
  #ending = false

  constructor(terms: OpeningTerms) {
    this.#terms = terms
    this.#runs = new Runs(terms.runner, terms.log)
  }

  /** The live openings. */
  get live(): readonly Opening[] {
    return [...this.#live.values()].map(({ opening }) => opening)
  }

  /** Lists the live openings with their remaining milliseconds and their last users. */
  list(): readonly OpeningLeft[] {
    const now = this.#terms.clocks.now()
    return [...this.#live.values()].map(({ opening, holds, claimedUser }) => {
      const { door, source } = opening
      const leftMs = timeLeft(lastDeadline(holds, now), now)
      return { door, source, user: lastUser(holds), claimedUser, leftMs }
    })
  }

  /** Opens a door for a source, or extends its opening. Never throws: errors are logged. */
  async open(door: Door, knocked: Knocked): Promise<void> {
    const key = keyOf(door.name, formatAddress(knocked.source))
    const before = this.#turns.get(key) ?? Promise.resolve()
    // A failed turn must not make the turns behind it fail.
    const turn = before
      .then(() => this.#open(door, knocked, key))
      .catch((error: unknown) => this.#terms.log.notice('error', `${key}: not opened: ${(error as Error).message}`))
    this.#turns.set(key, turn)
    await turn
    if (this.#turns.get(key) === turn) this.#turns.delete(key)
  }

  /** Restores the openings of the daemon's last run. Overdue ones are closed immediately. */
  restore(): void {
    for (const opening of this.#terms.store.openings.values()) {
      // An opening without stop command is one of ports.
      if (opening.stop === undefined) continue
      // Two openings of one door and source exist only after a failing disk lost a record. Both are closed.
      const usual = keyOf(opening.door, opening.source)
      const key = this.#live.has(usual) ? opening.id : usual
      // The start command may never have run, and a later boot has undone its effect.
      const live = liveOf(key, opening, true)
      this.#live.set(key, live)
      this.#schedule(live)
    }
  }

  /**
   * Closes openings before their time: those of a door, a source, both, or all. Returns their number. The next start
   * tries again to close those that could not be closed for certain.
   */
  async close(door: string | undefined, source: string | undefined): Promise<number> {
    const meant = [...this.#live.values()].filter(
      ({ opening }) =>
        (door === undefined || opening.door === door) && (source === undefined || opening.source === source),
    )
    await Promise.all(meant.map((live) => this.#close(live, false)))
    return meant.length
  }

  /**
   * Removes holders that `may` rejects. Openings without a holder are closed; others stay open until their last
   * deadline.
   */
  release(may: May): void {
    for (const live of this.#live.values()) {
      if (live.closing !== undefined) continue
      const left = live.holds.filter((hold) => may(heldBy(live.opening, hold)))
      if (left.length === live.holds.length) continue
      if (left.length === 0) void this.#close(live, false)
      else {
        live.holds = left
        this.#schedule(live)
      }
    }
  }

  /**
   * Closes all openings, and refuses new ones. Returns the number that could not be closed for certain within the time.
   * They stay in the journal. Running start commands are awaited for half of the time.
   */
  async closeAll(limitMs = CLOSE_ALL_MAX_MS): Promise<number> {
    this.#ending = true
    this.#overlapMs = Math.min(START_OVERLAP_MAX_MS, limitMs / 2)
    const all = [...this.#live.values()].map((live) => this.#close(live, false))
    await within(Promise.all([...all, ...this.#turns.values()]), limitMs)
    return this.#live.size
  }

  async #open(door: Door, knocked: Knocked, key: string): Promise<void> {
    if (this.#ending) return
    const address = formatAddress(knocked.source)
    const { family } = knocked.source
    const commands = family === 4 ? door.commands4 : door.commands6
    const environment = commandEnvironment({ door: door.name, address, family, ...knocked })
    const start = commands.start === undefined ? undefined : expand(commands.start, address)
    if (commands.stop === undefined) {
      // Such an opening needs no record, so no store error can keep it shut.
      knocked.opened?.()
      if (start !== undefined) await this.#openForGood(door, address, start, environment, key)
      return
    }
    const stop = expand(commands.stop, address)
    const { user, holder, claimedUser, services } = knocked
    const what = { source: address, family, stop, user, holder, claimedUser, services, environment }
    await this.#openForTime(door, what, { start, key, opened: knocked.opened })
  }

  /** Opens a door with a stop command. The stop command is on disk before the door opens. */
  async #openForTime(
    door: Door,
    {
      claimedUser,
      ...what
    }: Pick<Opening, 'source' | 'family' | 'stop' | 'user' | 'holder' | 'services' | 'environment'> &
      Pick<Knocked, 'claimedUser'>,
    { start, key, opened }: { start: string | undefined; key: string; opened: Knocked['opened'] },
  ): Promise<void> {
    const { store, clocks } = this.#terms
    const before = this.#live.get(key)
    if (before !== undefined) {
      if (await this.#extend(before, door.cmdTimeoutMs, what, opened)) {
        before.claimedUser = claimedUser
        return
      }
      await this.#close(before, false)
      if (this.#ending) return
    }
    const now = clocks.now()
    const deadline = deadlineAfter(now, door.cmdTimeoutMs)
    const opening: Opening = { ...deadline, ...what, id: randomUUID(), door: door.name, openedAt: now.wall }
    try {
      await store.opened(opening)
    } catch (error) {
      this.#refused({ source: what.source, door: door.name, user: what.user }, error as Error)
      return
    }
    if (this.#ending) {
      await this.#forget(opening)
      return
    }
    const live = liveOf(key, opening, false)
    live.claimedUser = claimedUser
    this.#live.set(key, live)
    opened?.()
    if (start !== undefined) {
      live.started = this.#begin(door.name, start, what)
      void this.#doubt(live)
    }
    this.#schedule(live)
  }

  /** Extends an opening. False: it must be opened again, as it is being closed or may be without effect. */
  async #extend(
    live: Live,
    durationMs: number,
    { user, holder }: Pick<Opening, 'user' | 'holder'>,
    opened: Knocked['opened'],
  ): Promise<boolean> {
    const { store, clocks, log } = this.#terms
    const { id, source, door } = live.opening
    if (live.closing !== undefined) return false
    if (live.doubtful) {
      const what = 'is possibly not open, so it is closed and opened again'
      log.event({ kind: 'trouble', level: 'info', source, door, what })
      return false
    }
    const now = clocks.now()
    const hold = { ...deadlineAfter(now, durationMs), user, holder }
    try {
      await store.extended(id, hold)
    } catch (error) {
      if (isClosing(live)) return false
      opened?.()
      const { message: cause } = error as Error
      log.event({ kind: 'trouble', level: 'error', source, door, what: 'is not kept open for longer', cause })
      return true
    }
    // The old deadline may have passed while the journal stored the new one.
    if (isClosing(live)) return false
    live.holds = withHold(liveHolds(live.holds, now), hold)
    this.#schedule(live)
    opened?.()
    log.event({ kind: 'extended', source, door, user, seconds: Math.round(durationMs / 1000) })
    return true
  }

  /** Opens a door without stop command. Only another door closes it. */
  async #openForGood(
    door: Door,
    address: string,
    start: string,
    environment: Readonly<Record<string, string>>,
    key: string,
  ): Promise<void> {
    const { log, runner } = this.#terms
    const now = performance.now()
    const last = this.#cooling.peek(key)
    if (door.cooldownMs > 0 && last !== undefined && now - last < door.cooldownMs) {
      log.event({ kind: 'skipped', source: address, door: door.name, reason: 'cooldown' })
      return
    }
    this.#cooling.set(key, now)
    const behind = insertsRule(start) && this.#lastDoor.peek(address) !== door.name
    const probe = this.#ran.peek(key) === undefined || behind ? undefined : probeOf(start)
    if (probe !== undefined) {
      const outcome = await within(runner.run({ text: probe, environment, urgent: false }), this.#overlapMs)
      if (this.#ending) return
      if (outcome?.kind === 'exited' && outcome.status === 0) {
        log.event({ kind: 'skipped', source: address, door: door.name, reason: 'in place' })
        return
      }
    }
    this.#ran.set(key, true)
    await within(this.#begin(door.name, start, { source: address, environment }), this.#overlapMs)
  }

  /** Marks an opening as doubtful if its start command failed. */
  async #doubt(live: Live): Promise<void> {
    live.doubtful = !(await live.started)
  }

  async #begin(door: string, text: string, of: Pick<Opening, 'source' | 'environment'>): Promise<boolean> {
    this.#lastDoor.set(of.source, door)
    return await this.#runs.start(door, text, of.environment)
  }

  #schedule(live: Live): void {
    clearTimeout(live.timer)
    const left = this.#left(live)
    const wake = (): void => {
      if (this.#left(live) > 0) this.#schedule(live)
      else void this.#close(live, true)
    }
    live.timer = setTimeout(wake, Math.min(left, TIMER_MAX_MS))
  }

  #left({ holds }: Live): number {
    const now = this.#terms.clocks.now()
    return timeLeft(lastDeadline(holds, now), now)
  }

  /** @param due true if the time of the opening is over; false if it is closed early. Returns true if it is closed. */
  async #close(live: Live, due: boolean): Promise<boolean> {
    clearTimeout(live.timer)
    live.closing ??= this.#closeOnce(live, due).catch((error: unknown) => {
      this.#notClosed(live, (error as Error).message)
      this.#setAside(live)
      live.closing = undefined
      return false
    })
    return await live.closing
  }

  async #closeOnce(live: Live, due: boolean): Promise<boolean> {
    const { log } = this.#terms
    const { opening } = live
    const { door, source, stop } = opening
    const started = await within(live.started, this.#overlapMs)
    if (due) log.event({ kind: 'command-timeout', source, door })
    if (stop !== undefined && !(await this.#runs.stop(opening, stop))) {
      this.#notClosed(live)
      this.#setAside(live)
      live.closing = undefined
      return false
    }
    if (started === undefined && stop !== undefined) {
      const what = 'its start command still runs; it is closed again when that ends'
      log.event({ kind: 'trouble', level: 'warning', source, door, what })
      this.#setAside(live)
      void this.#closeAgain(live, stop)
      return true
    }
    await this.#over(live)
    return true
  }

  /** Runs the stop command again after a late start command. Until then the opening stays in the journal. */
  async #closeAgain(live: Live, stop: string): Promise<void> {
    await live.started
    if (await this.#runs.stop(live.opening, stop)) await this.#over(live)
    else live.closing = undefined
  }

  /** Moves an opening that is not yet over, so that another one of this door and source can start. */
  #setAside(live: Live): void {
    if (this.#live.get(live.key) === live) this.#live.delete(live.key)
    live.key = live.opening.id
    this.#live.set(live.key, live)
  }

  async #over(live: Live): Promise<void> {
    if (this.#live.get(live.key) === live) this.#live.delete(live.key)
    await this.#forget(live.opening)
  }

  #notClosed({ opening: { source, door } }: Live, cause?: string): void {
    const what = 'is not closed, the next start tries again'
    this.#terms.log.event({ kind: 'trouble', level: 'error', source, door, what, cause })
  }

  /** Logs why an opening was refused. A full store is logged only now and then, as every knock would log it. */
  #refused(of: Pick<Opening, 'source' | 'door' | 'user'>, error: Error): void {
    const { log } = this.#terms
    const full = error instanceof StoreError
    const now = performance.now()
    const said = full && now - this.#refusedSaidAt < REFUSED_REPORT_MS
    if (full && !said) this.#refusedSaidAt = now
    log.event({ kind: 'refused', level: said ? 'debug' : full ? 'warning' : 'error', ...of, cause: error.message })
  }

  async #forget({ id, source, door }: Opening): Promise<void> {
    try {
      await this.#terms.store.closed(id)
    } catch (error) {
      const { message: cause } = error as Error
      const what = 'is closed, but that cannot be recorded'
      this.#terms.log.event({ kind: 'trouble', level: 'error', source, door, what, cause })
    }
  }
}

function keyOf(door: string, source: string): string {
  return `${source} ${door}`
}
