import type { Door } from '../config/config.ts'
import { shutsItself } from '../config/door-commands.ts'
import type { OpeningStatus } from '../control/message.ts'
import type { Kept } from '../door/connected.ts'
import type { Grant } from '../door/grant.ts'
import type { May } from '../door/held.ts'
import type { Opener } from '../door/opener.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { factsOf } from './opening-event.ts'
import type { OpeningEvent } from './opening-event.ts'
import type { ToldOpenings } from './told-openings.ts'

/** Milliseconds before its deadline from which on the end of an opening is the usual one. */
const ABOUT_OVER_MS = 1_000

/** The functions and values that a spreading opener needs from the daemon. */
export interface SpreadingDeps {
  readonly opener: Opener
  readonly told: Pick<ToldOpenings, 'tell' | 'end' | 'open'>
  readonly door: (name: string) => Door | undefined
  readonly fleetKey: Buffer
  /** Returns milliseconds since 1970. */
  readonly now: () => number
}

/**
 * Opens doors, and tells the hosts of the groups in `Opens_On` of it: of each opening, of a later deadline, and of an end
 * before the deadline. It never waits for them. What another host told of goes no further.
 */
export class SpreadingOpener implements Opener {
  readonly #deps: SpreadingDeps
  #isStarted = false

  constructor(deps: SpreadingDeps) {
    this.#deps = deps
  }

  /** Begins to compare. Doors, and the openings of the last run, are in force. */
  start(): void {
    this.#isStarted = true
    this.compare()
  }

  prepare(grant: Grant): void {
    this.#deps.opener.prepare?.(grant)
  }

  async open(grant: Grant, opened: () => void): Promise<boolean> {
    const { opener, now } = this.#deps
    // The deadline here counts from now on.
    const at = now()
    return await opener.open(grant, () => {
      opened()
      this.#tell(grant, at)
    })
  }

  list(): readonly OpeningStatus[] {
    return this.#deps.opener.list()
  }

  async close(door: string | undefined, source: Address | undefined): Promise<number> {
    const address = source === undefined ? undefined : formatAddress(source)
    let elsewhere = 0
    for (const event of this.#deps.told.open()) {
      if ((door ?? event.door) !== event.door || (address ?? event.source) !== event.source) continue
      if (!this.#isTracked(event)) elsewhere++
      this.#deps.told.end(event)
    }
    return (await this.#deps.opener.close(door, source)) + elsewhere
  }

  async release(may: May): Promise<void> {
    const released = this.#deps.opener.release(may)
    this.compare(may)
    await released
  }

  /** Tells of a later deadline, as a connection extended an opening here. */
  kept({ door, source, ms }: Kept): void {
    const { told, now } = this.#deps
    const at = now()
    for (const { action: _, number: __, at: ___, until, ...facts } of told.open()) {
      if (facts.door === door && facts.source === source) told.tell('extend', facts, at, Math.max(until, at + ms))
    }
  }

  /**
   * Tells of the end of openings that are no longer open here, or that the door no longer tells to the same groups.
   *
   * @param may judges openings that nothing here can show: those of doors that open nothing on this host
   */
  compare(may: May = () => true): void {
    const { told, now, door: find } = this.#deps
    const open = this.#isStarted ? [...told.open()] : []
    if (open.length === 0) return
    const here = this.#here()
    for (const event of open) {
      if (event.until - now() <= ABOUT_OVER_MS) continue
      const isTold = find(event.door)?.opensOn?.join() === event.groups.join()
      const { door, source, services, forward, holder, user } = event
      const isOpen = this.#isTracked(event)
        ? here.has(keyOf(event))
        : may({ door, source, services, forward, holder, user })
      if (!isTold || !isOpen) told.end(event)
    }
  }

  #tell(grant: Grant, at: number): void {
    const { told, fleetKey } = this.#deps
    const { door, ms, commands, from } = grant
    // A packet's own commands, and those of a cycle, are this host's alone.
    if (door.opensOn === undefined || from !== undefined || commands !== undefined || ms <= 0) return
    told.tell('open', factsOf(grant, door.opensOn, fleetKey), at, at + ms)
  }

  /** Returns the openings that are open here, by door, source and holder. */
  #here(): ReadonlySet<string> {
    const here = new Set<string>()
    // Nothing is released: each holder is noted, and may keep what it has.
    void this.#deps.opener.release((held) => {
      here.add(keyOf(held))
      return true
    })
    return here
  }

  /** Returns true if the opening of a door is among those that are open here. */
  #isTracked({ door: name, source }: OpeningEvent): boolean {
    const door = this.#deps.door(name)
    return door !== undefined && shutsItself(door, parseAddress(source)!.family)
  }
}

function keyOf({ door, source, holder }: { door: string; source: string; holder?: string | undefined }): string {
  return [source, holder, door].join(' ')
}
