import type { Door } from '../../config/config.ts'
import { formatService } from '../../config/service.ts'
import { expand } from '../../door/expand.ts'
import { LruMap } from '../../limit/lru-map.ts'
import type { LogEvent } from '../../log/event.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { formatNetwork, networkOf } from '../../packet/network.ts'

/** The most openings at a time. */
export const OPENINGS_MAX = 100_000
/** The most sources whose cooldown is remembered, at doors without a stop command. */
const COOLING_MAX = 65_536

/** A door that would be open. */
export interface Standing {
  readonly door: string
  readonly source: string
  /** The time at which it would be closed, in milliseconds since 1970. */
  readonly until: number
}

interface Live extends Standing {
  readonly key: string
  readonly closes: readonly LogEvent[]
}

/** Simulates what the doors would do. It runs nothing, and reports everything. */
export class WouldBeOpenings {
  readonly #live = new Map<string, Live>()
  readonly #cooling = new LruMap<string, number>(COOLING_MAX)
  #due = Infinity

  /** The time at which the next door would be closed, in milliseconds. */
  get due(): number {
    return this.#due
  }

  /** The doors that would be open. The first to be closed comes first. */
  get standing(): readonly Standing[] {
    return [...this.#live.values()].sort(byTime)
  }

  /** Opens a door for a source, and returns the events that would follow. */
  open(door: Door, source: Address, time: number): readonly LogEvent[] {
    const address = formatAddress(source)
    const key = `${door.name}\n${address}`
    const { start, stop } = source.family === 4 ? door.commands4 : door.commands6
    const timed = stop !== undefined || door.opens.length > 0
    if (!timed) return start === undefined ? [] : this.#openForGood(door, key, address, expand(start, address), time)
    const until = time + door.cmdTimeoutMs
    const before = this.#live.get(key)
    if (before !== undefined) {
      this.#keep({ ...before, until })
      const seconds = Math.round(door.cmdTimeoutMs / 1000)
      return [notice(address, door.name, `is open already, and would stay so for another ${seconds} s`)]
    }
    if (this.#live.size >= OPENINGS_MAX) return [notice(address, door.name, 'stays shut, too many doors are open')]
    const ports = portsText(door, source)
    const closes: LogEvent[] = []
    if (ports !== undefined) closes.push(notice(address, door.name, `${ports} would be closed`))
    if (stop !== undefined) {
      closes.push({ kind: 'command-timeout', source: address, door: door.name })
      closes.push(wouldRun(address, door, expand(stop, address)))
    }
    this.#keep({ key, door: door.name, source: address, until, closes })
    return [
      ...(ports === undefined
        ? []
        : [notice(address, door.name, `${ports} would be open for ${Math.round(door.cmdTimeoutMs / 1000)} s`)]),
      ...(start === undefined ? [] : [wouldRun(address, door, expand(start, address))]),
    ]
  }

  /** Ends the openings whose time is over, and returns the events in the order of their deadlines. */
  close(now: number): readonly { readonly time: number; readonly event: LogEvent }[] {
    if (now < this.#due) return []
    const over = [...this.#live.values()].filter(({ until }) => until <= now).sort(byTime)
    for (const { key } of over) this.#live.delete(key)
    this.#due = Infinity
    for (const { until } of this.#live.values()) if (until < this.#due) this.#due = until
    return over.flatMap(({ until, closes }) => closes.map((event) => ({ time: until, event })))
  }

  #keep(live: Live): void {
    this.#live.set(live.key, live)
    // This may be too early for an extended opening; then `close` finds nothing to end.
    this.#due = Math.min(this.#due, live.until)
  }

  #openForGood(door: Door, key: string, address: string, command: string, time: number): readonly LogEvent[] {
    const before = this.#cooling.peek(key)
    if (before !== undefined && time - before < door.cooldownMs) return [notice(address, door.name, 'cools down')]
    this.#cooling.set(key, time)
    return [wouldRun(address, door, command)]
  }
}

function byTime(one: Standing, other: Standing): number {
  return one.until - other.until
}

function portsText(door: Door, source: Address): string | undefined {
  const services = door.opens.filter(({ host }) => host === undefined || host.family === source.family)
  if (services.length === 0) return undefined
  const network = networkOf(source, door.widen[source.family])
  const to = formatNetwork(network)
  return `${services.map(formatService).join(', ')}${to.includes('/') ? ` to ${to}` : ''}`
}

function wouldRun(source: string, { name }: Door, command: string): LogEvent {
  return { kind: 'would-run', source, door: name, command }
}

function notice(source: string, door: string, message: string): LogEvent {
  return { kind: 'would-be', source, door, message }
}
