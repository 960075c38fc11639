import { notifyLoosely } from './notify.ts'

/** Signs of life within the time limit of the service manager. sd_watchdog_enabled(3) recommends two. */
const SIGNS = 3
/** The longest time between two signs of life, in milliseconds: Node's limit for timers. */
const INTERVAL_MAX_MS = 2 ** 31 - 1

/** The dependencies on the daemon. */
export interface WatchdogDeps {
  /** Returns true if the captures are watched, so that knocks are heard. */
  readonly isWatching: () => boolean
  /** Called when the captures were first found not to be watched. */
  readonly failed: () => void
  /** Called at each sign of life. */
  readonly turned: () => void
}

/**
 * Returns the milliseconds between two signs of life; `undefined`: nobody waits for them (sd_watchdog_enabled(3)).
 *
 * @param environment WATCHDOG_USEC, the limit in microseconds, and WATCHDOG_PID, the process that is meant
 */
export function signInterval(environment: NodeJS.ProcessEnv, pid: number): number | undefined {
  const { WATCHDOG_USEC: limit = '', WATCHDOG_PID: meant = String(pid) } = environment
  if (!/^[1-9][0-9]*$/.test(limit) || meant !== String(pid)) return undefined
  return Math.min(Math.max(1, Math.floor(Number(limit) / 1_000 / SIGNS)), INTERVAL_MAX_MS)
}

/**
 * Signs of life for the service manager's watchdog. They are sent while the event loop turns and the captures are
 * watched. Otherwise the daemon is killed and started again; the guard and the journal keep what is hidden and open.
 */
export class Watchdog {
  readonly #deps: WatchdogDeps
  readonly #tell: typeof notifyLoosely
  #timer: NodeJS.Timeout | undefined
  #hasFailed = false

  constructor(deps: WatchdogDeps, tell = notifyLoosely) {
    this.#deps = deps
    this.#tell = tell
  }

  /** @param everyMs milliseconds between two signs of life */
  start(everyMs: number): void {
    // The immediate task runs after the event loop has polled its descriptors: a sign shows that both phases turn.
    this.#timer = setInterval(() => setImmediate(() => this.#sign()), everyMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #sign(): void {
    if (this.#timer === undefined) return
    const { isWatching, failed, turned } = this.#deps
    const isFine = isWatching()
    if (isFine) this.#tell('WATCHDOG=1')
    else if (!this.#hasFailed) failed()
    this.#hasFailed = !isFine
    turned()
  }
}
