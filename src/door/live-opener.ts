import { randomBytes } from 'node:crypto'
import { LogThrottle } from '../limit/log-throttle.ts'
import type { LogEvent } from '../log/event.ts'
import type { Level } from '../log/line.ts'
import type { Log } from '../log/log.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { deadlineAfter, timeLeft } from '../state/deadline.ts'
import type { Moment } from '../state/deadline.ts'
import { lastDeadline, lastUser, liveHolds, withHold } from '../state/holds.ts'
import type { Hold, Opening } from '../state/opening.ts'
import type { Store } from '../state/store.ts'
import type { Grant } from './grant.ts'
import { heldBy, readFleetHolder } from './held.ts'
import type { May } from './held.ts'
import type { OpeningStatus } from '../control/message.ts'
import type { Opener } from './opener.ts'

/** Longest time that a timer is set for before it checks the clocks again, in milliseconds. */
const TIMER_MAX_MS = 3_600_000
/** Random bytes of an opening's id. */
const ID_BYTES = 16

/** The dependencies of both openers. */
export interface OpenerDeps {
  readonly store: Pick<Store, 'openings' | 'opened' | 'extended' | 'closed'>
  readonly clocks: { now(): Moment }
  readonly log: Pick<Log, 'event' | 'notice'>
}

/** The reason why a door stays shut: Postern's own, or what the system said. */
export type RefusalReason = Pick<Extract<LogEvent, { kind: 'refused' }>, 'reason' | 'cause'>

/** A door that is open for a source. */
export interface LiveOpening {
  /** The key of the opening among the live ones. */
  key: string
  /** The opening, as the journal first had it. Once it is durable, this is the store's own record. */
  opening: Opening
  /** The holds, each with its own deadline; the last one is the opening's. Never empty. */
  holds: readonly Hold[]
  /** The user named in the packet that opened it last. The journal does not have it. */
  claimedUser: string | undefined
  timer: NodeJS.Timeout | undefined
  /** Set once it is being closed; settles when that is done. */
  closing?: Promise<void> | undefined
}

/** An opener with a table of its live openings. Each ends at its last deadline, or with its last holder. */
export abstract class LiveOpener<Live extends LiveOpening, Deps extends OpenerDeps> implements Opener {
  protected readonly deps: Deps
  protected readonly live = new Map<string, Live>()
  readonly #throttle = new LogThrottle()

  constructor(deps: Deps) {
    this.deps = deps
  }

  abstract open(grant: Grant, opened: () => void): Promise<boolean>

  /** Returns the ports of an opening, for lists. */
  protected abstract portsOf(live: Live): Pick<OpeningStatus, 'services' | 'forward'>
  /** Closes an opening before its time. Never rejects. */
  protected abstract end(live: Live): Promise<unknown>
  /** Called at the time that {@link schedule} set. */
  protected abstract due(live: Live): void
  /** Called after an opening has lost holders, but not all. Its deadline may be an earlier one now. */
  protected abstract shortened(live: Live): void

  /** The number of live openings. */
  get count(): number {
    return this.live.size
  }

  list(): readonly OpeningStatus[] {
    const now = this.deps.clocks.now()
    return [...this.live.values()].map((live) => {
      const { claimedUser, holds } = live
      const { door, source } = live.opening
      const { services, forward } = this.portsOf(live)
      const [user, users, leftMs] = [lastUser(holds), usersOf(holds), this.left(live, now)]
      return {
        door,
        source,
        user,
        users,
        claimedUser,
        from: fromOf(holds),
        services,
        forward,
        leftMs,
      }
    })
  }

  async close(door: string | undefined, source: Address | undefined): Promise<number> {
    const address = source === undefined ? undefined : formatAddress(source)
    const meant = [...this.live.values()].filter(
      ({ opening }) => (door ?? opening.door) === opening.door && (address ?? opening.source) === opening.source,
    )
    await Promise.all(meant.map(async (live) => await this.end(live)))
    return meant.length
  }

  async release(may: May): Promise<void> {
    const ends: Promise<unknown>[] = []
    for (const live of this.live.values()) {
      if (live.closing !== undefined) continue
      const left = live.holds.filter((hold) => may(heldBy(live.opening, hold)))
      if (left.length === live.holds.length) continue
      if (left.length === 0) ends.push(this.end(live))
      else {
        live.holds = left
        this.shortened(live)
      }
    }
    await Promise.all(ends)
  }

  /** Yields the openings that the last run of the daemon recorded: those of commands, or those of ports. */
  protected *recorded(what: 'commands' | 'ports'): Generator<Opening> {
    for (const opening of this.deps.store.openings.values()) {
      // An opening without stop command is one of ports.
      if ((opening.stop === undefined) === (what === 'ports')) yield opening
    }
  }

  /** Makes the record of an opening that begins now. */
  protected record(
    { door, source }: Grant,
    hold: Hold,
    now: Moment,
    how: Pick<Opening, 'stop' | 'as' | 'services' | 'forward' | 'environment'>,
  ): Opening {
    const { stop, as, services, forward, environment } = how
    const { since, until, boot, bootUntil, holder, user } = hold
    return {
      id: randomBytes(ID_BYTES).toString('hex'),
      door: door.name,
      source: formatAddress(source),
      family: source.family,
      openedAt: now.wall,
      stop,
      as,
      services,
      forward,
      user,
      holder,
      environment,
      since,
      until,
      boot,
      bootUntil,
    }
  }

  /** Makes the hold of a grant. It is never shorter than the one that its holder has of the opening. */
  protected hold({ ms, user, holder }: Grant, before: Live | undefined, now: Moment): Hold {
    const own = before?.holds.find((hold) => hold.holder === holder)
    const leftMs = own === undefined ? 0 : timeLeft(own, now)
    const { since, until, boot, bootUntil } = deadlineAfter(now, Math.max(ms, leftMs))
    return { holder, user: user ?? own?.user, since, until, boot, bootUntil }
  }

  /** Adds a hold to an opening, or replaces the one of the same holder. */
  protected add(live: Live, hold: Hold, claimedUser: string | undefined, now: Moment): void {
    live.holds = withHold(liveHolds(live.holds, now), hold)
    live.claimedUser = claimedUser
  }

  /** Returns the milliseconds until an opening's last deadline. */
  protected left({ holds }: Live, now = this.deps.clocks.now()): number {
    return timeLeft(lastDeadline(holds, now), now)
  }

  /** Calls {@link due} `aheadMs` milliseconds before the last deadline. Clocks may be set, so they are read again. */
  protected schedule(live: Live, aheadMs = 0): void {
    clearTimeout(live.timer)
    live.timer = setTimeout(this.#wake, Math.min(this.left(live) - aheadMs, TIMER_MAX_MS), live, aheadMs)
  }

  /** All timers share one function: a closure for each opening would take 120 bytes. */
  readonly #wake = (live: Live, aheadMs: number): void => {
    if (this.left(live) > aheadMs) this.schedule(live, aheadMs)
    else this.due(live)
  }

  protected logExtended(live: Live, now: Moment, { kept }: Grant): void {
    const { source, door } = live.opening
    const seconds = Math.round(this.left(live, now) / 1000)
    const connected = kept === true ? ({ connected: true } as const) : {}
    this.deps.log.event({ kind: 'extended', source, door, user: lastUser(live.holds), seconds, ...connected })
  }

  /** Logs a refused opening now and then, as every knock would log it. The other lines are debug. */
  protected logRefused(level: 'warning' | 'error', { source, door }: Opening, refusal: RefusalReason): void {
    const isDue = this.#throttle.due('refused', performance.now())
    this.deps.log.event({ kind: 'refused', level: isDue ? level : 'debug', source, door, ...refusal })
  }

  /** Logs that something about an opening is not as it should be. */
  protected logTrouble(level: Level, { source, door }: Opening, what: string, error?: unknown): void {
    const cause = error === undefined ? undefined : (error as Error).message
    this.deps.log.event({ kind: 'trouble', level, source, door, what, cause })
  }

  /** Takes an opening out of the table, if it is still there under its key. */
  protected remove(live: Live): void {
    if (this.live.get(live.key) === live) this.live.delete(live.key)
  }

  /** Takes an opening out of the journal. Never rejects. */
  protected async forget(opening: Opening): Promise<void> {
    try {
      await this.deps.store.closed(opening.id)
    } catch (error) {
      this.logTrouble('error', opening, 'is closed, but that cannot be recorded', error)
    }
  }
}

/** Returns the host that told of an opening last, if this host has not made it too. */
function fromOf(holds: readonly Hold[]): string | undefined {
  const hosts = holds.map(({ holder }) => readFleetHolder(holder)?.host)
  return hosts.includes(undefined) ? undefined : hosts.at(-1)
}

/** Returns the users of the holds, if there are several. */
function usersOf(holds: readonly Hold[]): readonly string[] | undefined {
  const users = [...new Set(holds.flatMap(({ user }) => user ?? []))]
  return users.length > 1 ? users : undefined
}
