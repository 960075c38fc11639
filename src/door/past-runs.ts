import { LruMap } from '../limit/lru-map.ts'
import { insertsRule, probeOf } from './stacking.ts'

/** Most doors and sources that are remembered. */
const REMEMBERED_MAX = 65_536

/** The past runs of start commands. Those of doors without stop command would otherwise stack their rules. */
export class PastRuns {
  /** The last run of each door without stop command for a source, in milliseconds of a steady clock. */
  readonly #cooling = new LruMap<string, number>(REMEMBERED_MAX)
  readonly #ran = new LruMap<string, true>(REMEMBERED_MAX)
  /** The door whose start command ran last for each source. */
  readonly #lastDoor = new LruMap<string, string>(REMEMBERED_MAX)

  /** Returns true if the door cools down for the source. Otherwise this is its last run. */
  cools(key: string, cooldownMs: number): boolean {
    const now = performance.now()
    const last = this.#cooling.peek(key)
    if (cooldownMs > 0 && last !== undefined && now - last < cooldownMs) return true
    this.#cooling.set(key, now)
    return false
  }

  /**
   * Returns the command that tells by status 0 if the rule of an earlier run is in place. `undefined`: there was no
   * run, or a rule of another door may have come ahead of it since.
   */
  probe(key: string, door: string, source: string, start: string): string | undefined {
    const behind = insertsRule(start) && this.#lastDoor.peek(source) !== door
    return this.#ran.peek(key) === undefined || behind ? undefined : probeOf(start)
  }

  /** Notes that a door's rule is in place for a source from now on. */
  ran(key: string): void {
    this.#ran.set(key, true)
  }

  /** Notes that a door's start command runs for a source. */
  started(door: string, source: string): void {
    this.#lastDoor.set(source, door)
  }
}
