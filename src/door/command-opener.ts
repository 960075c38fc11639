import { commandsOf } from '../config/door-commands.ts'
import { needsRoot } from '../config/privilege.ts'
import { LruMap } from '../limit/lru-map.ts'
import { formatAddress } from '../packet/address.ts'
import type { Opening } from '../state/opening.ts'
import { StoreError } from '../state/store.ts'
import type { CommandLine, Outcome } from './command.ts'
import { commandOpening, isClosing } from './command-opening.ts'
import type { CommandOpening } from './command-opening.ts'
import { commandEnvironment, expand } from './expand.ts'
import type { Grant } from './grant.ts'
import { LiveOpener } from './live-opener.ts'
import type { OpenerDeps } from './live-opener.ts'
import type { OpeningStatus } from '../control/message.ts'
import { keyOf, servicesText } from './part.ts'
import { Runs } from './runs.ts'
import type { RunLog } from './runs.ts'
import { insertsRule, probeOf } from './stacking.ts'
import { within } from './time-limit.ts'

/** Milliseconds that a stop command, and the next knock, wait for a start command that hangs. */
export const START_OVERLAP_MAX_MS = 30_000
/** Most doors and sources remembered for cool-downs and for rules that are already in place. */
const REMEMBERED_MAX = 65_536
/** Default time limit of {@link CommandOpener.closeAll}, in milliseconds. */
export const CLOSE_ALL_MAX_MS = 5_000

/** The functions and values that openings by commands need from their caller. */
export interface CommandDeps extends OpenerDeps {
  readonly runner: { run(command: CommandLine): Promise<Outcome> }
  readonly log: RunLog
  /** The user of commands of doors that do not need root, as `1:1`; `undefined`: this process's. */
  readonly commandsAs?: string | undefined
}

/** An opening that is about to begin. */
interface Asked {
  readonly grant: Grant
  readonly key: string
  /** The source, as text. */
  readonly address: string
  readonly start: string | undefined
  readonly environment: Opening['environment']
  readonly opened: () => void
}

/** Opens and closes doors by shell commands, in pairs or alone. */
export class CommandOpener extends LiveOpener<CommandOpening, CommandDeps> {
  readonly #runs: Runs
  /** The last action for each door and source. The next action waits for it. */
  readonly #turns = new Map<string, Promise<boolean>>()
  /** The last run of each door without stop command for a source, in milliseconds of a steady clock. */
  readonly #ranAt = new LruMap<string, number>(REMEMBERED_MAX)
  /** The door whose start command ran last for each source. */
  readonly #lastDoor = new LruMap<string, string>(REMEMBERED_MAX)
  #overlapMs = START_OVERLAP_MAX_MS
  #ending = false

  constructor(deps: CommandDeps) {
    super(deps)
    this.#runs = new Runs(deps.runner, deps.log)
  }

  async open(grant: Grant, opened: () => void): Promise<boolean> {
    const address = formatAddress(grant.source)
    const key = keyOf(grant.door.name, address)
    const turn = (this.#turns.get(key) ?? Promise.resolve())
      .then(async () => await this.#open(grant, address, key, opened))
      // A failed turn must not make the turns behind it fail.
      .catch((error: unknown) => {
        const { message: cause } = error as Error
        const about = { source: address, door: grant.door.name, what: 'not opened' }
        this.deps.log.event({ kind: 'trouble', level: 'error', ...about, cause })
        return false
      })
    this.#turns.set(key, turn)
    const isOpen = await turn
    if (this.#turns.get(key) === turn) this.#turns.delete(key)
    return isOpen
  }

  /** Restores the openings of the daemon's last run. Overdue ones are closed immediately. */
  restore(): void {
    for (const opening of this.recorded('commands')) {
      // Two openings of one door and source exist only after a failing disk lost a record. Both are closed.
      const usual = keyOf(opening.door, opening.source)
      const key = this.live.has(usual) ? opening.id : usual
      // The start command may never have run, and a later boot has undone its effect.
      const live = commandOpening(key, opening, true)
      this.live.set(key, live)
      this.schedule(live)
    }
  }

  /**
   * Closes all openings, and refuses new ones. Returns the number that could not be closed for certain within the time.
   * They stay in the journal. Running start commands are awaited for half of the time.
   */
  async closeAll(limitMs = CLOSE_ALL_MAX_MS): Promise<number> {
    this.#ending = true
    this.#overlapMs = Math.min(START_OVERLAP_MAX_MS, limitMs / 2)
    const all = [...this.live.values()].map(async (live) => await this.end(live))
    await within(Promise.all([...all, ...this.#turns.values()]), limitMs)
    return this.live.size
  }

  protected portsOf(): Pick<OpeningStatus, 'services'> {
    return { services: [] }
  }

  /** The next start tries again to close an opening that could not be closed for certain. */
  protected async end(live: CommandOpening): Promise<void> {
    await this.#close(live, false)
  }

  protected due(live: CommandOpening): void {
    void this.#close(live, true)
  }

  protected shortened(live: CommandOpening): void {
    this.schedule(live)
  }

  async #open(grant: Grant, address: string, key: string, opened: () => void): Promise<boolean> {
    if (this.#ending) return false
    const { door, source, commands = commandsOf(door, source.family) } = grant
    const environment = commandEnvironment(grant)
    const start = commands.start === undefined ? undefined : expand(commands.start, address)
    const asked = { grant, key, address, start, environment, opened }
    if (commands.stop !== undefined) return await this.#openForTime(asked, expand(commands.stop, address))
    // Such an opening needs no record, so no store error can keep it shut.
    opened()
    if (start !== undefined) await this.#openForGood(asked, start)
    return true
  }

  /** Opens a door with a stop command. The stop command is on disk before the door opens. */
  async #openForTime(asked: Asked, stop: string): Promise<boolean> {
    const { grant, key, address, start, environment, opened } = asked
    const { store, clocks, log } = this.deps
    const before = this.live.get(key)
    if (before !== undefined) {
      if (await this.#extend(before, grant, opened)) return true
      await this.#close(before, false)
      if (this.#ending) return false
    }
    const now = clocks.now()
    const hold = this.hold(grant, undefined, now)
    const opening = this.record(grant, hold, now, {
      stop,
      as: this.#userOf(grant),
      services: servicesText(grant),
      environment,
    })
    try {
      await store.opened(opening)
    } catch (error) {
      const { message: cause } = error as Error
      if (error instanceof StoreError) this.logRefused('warning', opening, { cause })
      else log.event({ kind: 'refused', level: 'error', source: address, door: grant.door.name, cause })
      return false
    }
    if (this.#ending) {
      await this.forget(opening)
      return false
    }
    const live = commandOpening(key, opening, false)
    live.claimedUser = grant.claimedUser
    this.live.set(key, live)
    if (start === undefined) opened()
    else {
      live.started = this.#begin(asked, start, opened)
      void this.#doubt(live)
    }
    this.schedule(live)
    return true
  }

  /** Extends an opening. False: it must be opened again, as it is being closed or may be without effect. */
  async #extend(live: CommandOpening, grant: Grant, opened: () => void): Promise<boolean> {
    const { store, clocks } = this.deps
    const { id } = live.opening
    if (live.closing !== undefined) return false
    if (live.doubtful) {
      this.logTrouble('info', live.opening, 'is possibly not open, so it is closed and opened again')
      return false
    }
    const now = clocks.now()
    const hold = this.hold(grant, live, now)
    try {
      await store.extended(id, hold)
    } catch (error) {
      if (isClosing(live)) return false
      live.claimedUser = grant.claimedUser
      opened()
      this.logTrouble('error', live.opening, 'is not kept open for longer', error)
      return true
    }
    // The old deadline may have passed while the journal stored the new one.
    if (isClosing(live)) return false
    this.add(live, hold, grant.claimedUser, now)
    this.schedule(live)
    opened()
    this.logExtended(live, now, grant)
    return true
  }

  /** Opens a door without stop command. Only another door closes it. */
  async #openForGood(asked: Asked, start: string): Promise<void> {
    const { grant, key, address, environment } = asked
    const { door } = grant
    const { log, runner } = this.deps
    const cooldownMs = grant.commands === undefined ? door.cooldownMs : 0
    const now = performance.now()
    const ranAt = this.#ranAt.peek(key)
    if (cooldownMs > 0 && ranAt !== undefined && now - ranAt < cooldownMs) {
      log.event({ kind: 'skipped', source: address, door: door.name, reason: 'cooldown' })
      return
    }
    this.#ranAt.set(key, now)
    const behind = insertsRule(start) && this.#lastDoor.peek(address) !== door.name
    const probe = ranAt === undefined || behind ? undefined : probeOf(start)
    if (probe !== undefined) {
      const outcome = await within(
        runner.run({ text: probe, as: this.#userOf(grant), environment, urgent: false }),
        this.#overlapMs,
      )
      if (this.#ending) return
      if (outcome?.kind === 'exited' && outcome.status === 0) {
        log.event({ kind: 'skipped', source: address, door: door.name, reason: 'in place' })
        return
      }
    }
    await within(this.#begin(asked, start), this.#overlapMs)
  }

  /** Marks an opening as doubtful if its start command failed. */
  async #doubt(live: CommandOpening): Promise<void> {
    live.doubtful = !(await live.started)
  }

  async #begin({ grant: { door }, address, environment }: Asked, start: string, begun?: () => void): Promise<boolean> {
    this.#lastDoor.set(address, door.name)
    return await this.#runs.start(door.name, { text: start, as: this.#userOf({ door }) }, environment, begun)
  }

  /** Returns the user of a door's commands; `undefined`: this process's. */
  #userOf({ door }: Pick<Grant, 'door'>): string | undefined {
    return needsRoot(door) ? undefined : this.deps.commandsAs
  }

  /** @param due true if the time of the opening is over; false if it is closed early */
  async #close(live: CommandOpening, due: boolean): Promise<void> {
    clearTimeout(live.timer)
    live.closing ??= this.#closeOnce(live, due).catch((error: unknown) => {
      this.#leaveOpen(live, error)
    })
    await live.closing
  }

  async #closeOnce(live: CommandOpening, due: boolean): Promise<void> {
    const { log } = this.deps
    const { opening } = live
    const { door, source, stop } = opening
    const started = await within(live.started, this.#overlapMs)
    if (due) log.event({ kind: 'command-timeout', source, door })
    if (stop !== undefined && !(await this.#runs.stop(opening, stop))) {
      this.#leaveOpen(live)
      return
    }
    if (started === undefined && stop !== undefined) {
      this.logTrouble('warning', opening, 'its start command still runs; it is closed again when that ends')
      this.#setAside(live)
      void this.#closeAgain(live, stop)
      return
    }
    await this.#over(live)
  }

  /** Leaves an opening in the journal that could not be closed for certain. */
  #leaveOpen(live: CommandOpening, error?: unknown): void {
    this.logTrouble('error', live.opening, 'is not closed, the next start tries again', error)
    this.#setAside(live)
    live.closing = undefined
  }

  /** Runs the stop command again after a late start command. Until then the opening stays in the journal. */
  async #closeAgain(live: CommandOpening, stop: string): Promise<void> {
    await live.started
    if (await this.#runs.stop(live.opening, stop)) await this.#over(live)
    else live.closing = undefined
  }

  /** Moves an opening that is not yet over, so that another one of this door and source can start. */
  #setAside(live: CommandOpening): void {
    this.remove(live)
    live.key = live.opening.id
    this.live.set(live.key, live)
  }

  async #over(live: CommandOpening): Promise<void> {
    this.remove(live)
    await this.forget(live.opening)
  }
}
