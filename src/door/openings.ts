import { randomUUID } from 'node:crypto'
import type { Door } from '../config/config.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import type { Protocol } from '../packet/packet.ts'
import { deadlineAfter, timeLeft } from '../state/deadline.ts'
import type { Moment } from '../state/deadline.ts'
import type { Deadline, Opening } from '../state/opening.ts'
import type { Store } from '../state/store.ts'
import type { CommandLine, Outcome } from './command.ts'
import { commandEnvironment, expand } from './expand.ts'
import { Recently } from './recently.ts'
import { probeOf } from './stacking.ts'
import { within } from './time-limit.ts'

/** Longest that a timer is set for before the clocks are asked again, milliseconds. */
const TIMER_MAX_MS = 3_600_000
/** How often a stop command is tried that did not get to run to its end. */
export const STOP_TRIES_MAX = 5
/** Milliseconds before its second try; each further one waits twice as long. */
const STOP_RETRY_MS = 1_000
/** Milliseconds that a stop command waits for a start command that hangs. */
export const START_OVERLAP_MAX_MS = 30_000
/** Doors and sources remembered for cool-downs and for rules that are in place. */
const REMEMBERED_MAX = 65_536

/** What doors say in the log. */
export interface DoorLog {
  running(door: string, command: string): void
  commandTimeout(source: string, door: string): void
  status(door: string, status: number): void
  output(door: string, text: string): void
  notice(level: 'debug' | 'info' | 'notice' | 'warning' | 'error', text: string): void
}

/** What openings need of their surroundings. */
export interface OpeningTerms {
  readonly store: Pick<Store, 'openings' | 'opened' | 'extended' | 'closed'>
  readonly runner: { run(command: CommandLine): Promise<Outcome> }
  readonly clocks: { now(): Moment }
  readonly log: DoorLog
}

/** The knock that opens. */
export interface Knocked {
  readonly source: Address
  readonly protocol: Protocol
  /** Of the last knock. */
  readonly port: number
}

/** An opening that is live. */
interface Live {
  /** Its place among the live ones. */
  readonly key: string
  readonly opening: Opening
  deadline: Deadline
  timer: NodeJS.Timeout | undefined
  /** Settles when the start command has ended. */
  started: Promise<void>
  /** Set once it is being closed; settles when that is over. */
  closing: Promise<boolean> | undefined
}

/** What opens doors, and what closes them again: shell commands, in pairs or alone. */
export class Openings {
  readonly #terms: OpeningTerms
  readonly #live = new Map<string, Live>()
  /** The last thing that was asked for each door and source: what is asked next waits for it. */
  readonly #turns = new Map<string, Promise<void>>()
  readonly #cooling = new Recently(REMEMBERED_MAX)
  readonly #ran = new Recently(REMEMBERED_MAX)
  #ending = false

  constructor(terms: OpeningTerms) {
    this.#terms = terms
  }

  /** Openings that are live. */
  get live(): readonly Opening[] {
    return [...this.#live.values()].map(({ opening }) => opening)
  }

  /** Opens a door for a source, or keeps it open for longer. Never throws: what goes wrong is said in the log. */
  async open(door: Door, knocked: Knocked): Promise<void> {
    const key = keyOf(door.name, formatAddress(knocked.source))
    const turn = (this.#turns.get(key) ?? Promise.resolve()).then(() => this.#open(door, knocked, key))
    this.#turns.set(key, turn)
    await turn
    if (this.#turns.get(key) === turn) this.#turns.delete(key)
  }

  /** Takes up what was open when the daemon last ended: what is overdue is closed at once. */
  restore(): void {
    for (const opening of this.#terms.store.openings.values()) {
      // Two of one door and source are there only if a record was lost to a failing disk: both are closed.
      const usual = keyOf(opening.door, opening.source)
      const key = this.#live.has(usual) ? opening.id : usual
      const live = liveOf(key, opening)
      this.#live.set(key, live)
      this.#schedule(live)
    }
  }

  /** Closes all that is open, and opens nothing any more. Gives how many could not be closed within the time. */
  async closeAll(limitMs: number): Promise<number> {
    this.#ending = true
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
      if (start !== undefined) await this.#openForGood(door, address, start, environment, key)
      return
    }
    const stop = expand(commands.stop, address)
    await this.#openForTime(door, { source: address, family, stop, environment }, start, key)
  }

  /** A door with a stop command: its close is on disk before it opens. */
  async #openForTime(
    door: Door,
    what: Pick<Opening, 'source' | 'family' | 'stop' | 'environment'>,
    start: string | undefined,
    key: string,
  ): Promise<void> {
    const { store, clocks, log } = this.#terms
    const before = this.#live.get(key)
    if (before?.closing !== undefined) await before.closing
    else if (before !== undefined) {
      await this.#extend(before, door.cmdTimeoutMs)
      return
    }
    const now = clocks.now()
    const deadline = deadlineAfter(now, door.cmdTimeoutMs)
    const opening: Opening = { ...deadline, ...what, id: randomUUID(), door: door.name, openedAt: now.wall }
    try {
      await store.opened(opening)
    } catch (error) {
      log.notice('error', `${what.source}: ${door.name}: stays shut: ${(error as Error).message}`)
      return
    }
    const live = liveOf(key, opening)
    this.#live.set(key, live)
    if (start !== undefined) live.started = this.#start(door.name, start, what.environment)
    this.#schedule(live)
  }

  async #extend(live: Live, durationMs: number): Promise<void> {
    const { store, clocks, log } = this.#terms
    const { id, source, door } = live.opening
    const deadline = deadlineAfter(clocks.now(), durationMs)
    try {
      await store.extended(id, deadline)
    } catch (error) {
      log.notice('error', `${source}: ${door}: is not kept open for longer: ${(error as Error).message}`)
      return
    }
    if (live.closing !== undefined) return
    live.deadline = deadline
    this.#schedule(live)
    log.notice(
      'info',
      `${source}: ${door}: is open already, and stays so for another ${Math.round(durationMs / 1000)} s`,
    )
  }

  /** A door without stop command: nothing closes it but another door. */
  async #openForGood(
    door: Door,
    address: string,
    start: string,
    environment: Readonly<Record<string, string>>,
    key: string,
  ): Promise<void> {
    const { clocks, log, runner } = this.#terms
    const now = performance.now()
    const last = this.#cooling.at(key)
    if (door.cooldownMs > 0 && last !== undefined && now - last < door.cooldownMs) {
      log.notice('debug', `${address}: ${door.name}: cools down`)
      return
    }
    this.#cooling.note(key, now)
    const probe = this.#ran.at(key) === undefined ? undefined : probeOf(start)
    if (probe !== undefined) {
      const outcome = await runner.run({ text: probe, environment, urgent: false })
      if (outcome.kind === 'exited' && outcome.status === 0) {
        log.notice('info', `${address}: ${door.name}: its rule is in place already`)
        return
      }
    }
    this.#ran.note(key, clocks.now().wall)
    await this.#start(door.name, start, environment)
  }

  async #start(door: string, text: string, environment: Readonly<Record<string, string>>): Promise<void> {
    this.#terms.log.running(door, text)
    const own = { ...environment, POSTERN_ACTION: 'start' }
    this.#told(door, await this.#terms.runner.run({ text, environment: own, urgent: false }))
  }

  #schedule(live: Live): void {
    clearTimeout(live.timer)
    const left = timeLeft(live.deadline, this.#terms.clocks.now())
    const wake = (): void => {
      if (timeLeft(live.deadline, this.#terms.clocks.now()) > 0) this.#schedule(live)
      else void this.#close(live, true)
    }
    live.timer = setTimeout(wake, Math.min(left, TIMER_MAX_MS))
  }

  /** @param due its time is over; otherwise the daemon ends. True: it is closed. */
  async #close(live: Live, due: boolean): Promise<boolean> {
    clearTimeout(live.timer)
    live.closing ??= this.#closeOnce(live, due)
    return await live.closing
  }

  async #closeOnce(live: Live, due: boolean): Promise<boolean> {
    const { log } = this.#terms
    const { opening } = live
    const { door, source, stop } = opening
    await within(live.started, START_OVERLAP_MAX_MS)
    if (due) log.commandTimeout(source, door)
    if (stop !== undefined && !(await this.#runStop(opening, stop))) {
      log.notice('error', `${source}: ${door}: is not closed, the next start tries again`)
      return false
    }
    if (this.#live.get(live.key) === live) this.#live.delete(live.key)
    await this.#forget(opening)
    return true
  }

  /** Runs a stop command until it comes to its end, whatever its exit code. False: it never did. */
  async #runStop({ door, environment }: Opening, text: string): Promise<boolean> {
    const command = { text, environment: { ...environment, POSTERN_ACTION: 'stop' }, urgent: true }
    for (let tried = 1; tried <= STOP_TRIES_MAX; tried++) {
      if (tried > 1) await pause(STOP_RETRY_MS * 2 ** (tried - 2))
      this.#terms.log.running(door, text)
      const outcome = await this.#terms.runner.run(command)
      this.#told(door, outcome)
      if (outcome.kind === 'exited') return true
    }
    return false
  }

  async #forget({ id, source, door }: Opening): Promise<void> {
    try {
      await this.#terms.store.closed(id)
    } catch (error) {
      const { message } = error as Error
      this.#terms.log.notice('error', `${source}: ${door}: is closed, but that cannot be written down: ${message}`)
    }
  }

  #told(door: string, outcome: Outcome): void {
    const { log } = this.#terms
    if ('output' in outcome && outcome.output !== '') log.output(door, outcome.output)
    if (outcome.kind === 'exited' && outcome.status !== 0) log.status(door, outcome.status)
    if (outcome.kind === 'killed') log.notice('error', `${door}: command was ended by ${outcome.signal}`)
    if (outcome.kind === 'failed') log.notice('error', `${door}: command could not be run: ${outcome.error.message}`)
    if (outcome.kind === 'refused') log.notice('error', `${door}: command was not run: too many wait already`)
  }
}

function keyOf(door: string, source: string): string {
  return `${source} ${door}`
}

function liveOf(key: string, opening: Opening): Live {
  return { key, opening, deadline: opening, timer: undefined, started: Promise.resolve(), closing: undefined }
}

async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
}
