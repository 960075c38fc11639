import type { Door } from '../../config/config.ts'
import { expand } from '../../door/expand.ts'
import type { Grant } from '../../door/grant.ts'
import type { OpeningStatus } from '../../control/message.ts'
import type { Opener } from '../../door/opener.ts'
import { formatService } from '../../config/service.ts'
import { LruMap } from '../../limit/lru-map.ts'
import type { LogEvent } from '../../log/event.ts'
import { formatAddress } from '../../packet/address.ts'
import { formatNetwork, networkOf } from '../../packet/network.ts'

/** The most openings at a time. */
const OPENINGS_MAX = 100_000
/** The most sources whose cooldown is remembered, at doors without a stop command. */
const COOLING_MAX = 65_536

interface Live {
  readonly status: Omit<OpeningStatus, 'leftMs'>
  /** The time at which it would be closed, in milliseconds. */
  readonly until: number
  readonly closes: readonly LogEvent[]
}

/** Simulates what the doors would do. It runs nothing, and reports everything. */
export class SimulatedOpener implements Pick<Opener, 'open' | 'list'> {
  readonly #now: () => number
  readonly #tell: (event: LogEvent) => void
  readonly #live = new Map<string, Live>()
  readonly #cooling = new LruMap<string, number>(COOLING_MAX)
  #due = Infinity

  /** @param now returns the milliseconds of a clock that is never set */
  constructor(now: () => number, tell: (event: LogEvent) => void) {
    this.#now = now
    this.#tell = tell
  }

  /** The time at which the next door would be closed, in milliseconds. It may be too early. */
  get due(): number {
    return this.#due
  }

  /** Lists what would be open. The first to be closed comes first. */
  list(): readonly OpeningStatus[] {
    const now = this.#now()
    return [...this.#live.values()]
      .sort(byTime)
      .map(({ until, status }) => Object.assign({ leftMs: until - now }, status))
  }

  async open(grant: Grant, opened: () => void): Promise<boolean> {
    const { door, source: address, ms, user, claimedUser, commands } = grant
    const services = commands === undefined ? (grant.services ?? door.opens) : []
    const of = { source: formatAddress(address), door: door.name }
    const key = `${of.door}\n${of.source}`
    const { start, stop } = commands ?? (address.family === 4 ? door.commands4 : door.commands6)
    const run = (command: string): LogEvent => ({ kind: 'would-run', ...of, command: expand(command, of.source) })
    const say = (message: string): LogEvent => ({ kind: 'would-be', ...of, message })
    const before = this.#live.get(key)
    const told: LogEvent[] = []
    if (stop === undefined && services.length === 0) {
      if (start !== undefined) told.push(this.#coolsDown(door, key) ? say('cools down') : run(start))
    } else if (before !== undefined) {
      this.#keep(key, { ...before, until: Math.max(before.until, this.#now() + ms) })
      told.push(say(`is open already, and would stay so for another ${Math.round(ms / 1000)} s`))
    } else if (this.#live.size >= OPENINGS_MAX) {
      this.#tell(say('stays shut, too many doors are open'))
      return await Promise.resolve(false)
    } else {
      const ports = services.filter(({ host }) => host === undefined || host.family === address.family)
      const network = formatNetwork(networkOf(address, door.widen[address.family]))
      const what = `${ports.map(formatService).join(', ')}${network.includes('/') ? ` to ${network}` : ''}`
      const closes: LogEvent[] = ports.length > 0 ? [say(`${what} would be closed`)] : []
      if (stop !== undefined) closes.push({ kind: 'command-timeout', ...of }, run(stop))
      const status = { ...of, user, claimedUser, services: ports.map(formatService) }
      this.#keep(key, { status, until: this.#now() + ms, closes })
      if (ports.length > 0) told.push(say(`${what} would be open for ${Math.round(ms / 1000)} s`))
      if (start !== undefined) told.push(run(start))
    }
    opened()
    for (const event of told) this.#tell(event)
    return await Promise.resolve(true)
  }

  /** Ends the openings whose time is over, in the order of their deadlines. */
  expire(): void {
    const now = this.#now()
    if (now < this.#due) return
    const over: Live[] = []
    this.#due = Infinity
    for (const [key, live] of this.#live) {
      if (live.until > now) this.#due = Math.min(this.#due, live.until)
      else if (this.#live.delete(key)) over.push(live)
    }
    for (const { closes } of over.sort(byTime)) for (const event of closes) this.#tell(event)
  }

  #keep(key: string, live: Live): void {
    this.#live.set(key, live)
    // This may be too early for an extended opening; then `expire` finds nothing to end.
    this.#due = Math.min(this.#due, live.until)
  }

  #coolsDown({ cooldownMs }: Door, key: string): boolean {
    const before = this.#cooling.peek(key)
    if (before !== undefined && this.#now() - before < cooldownMs) return true
    this.#cooling.set(key, this.#now())
    return false
  }
}

function byTime(one: Live, other: Live): number {
  return one.until - other.until
}
