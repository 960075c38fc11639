import { monitorTable } from '../native/netlink.ts'
import type { TableMonitor } from '../native/netlink.ts'
import type { Log } from '../log/log.ts'
import { Repairs } from './repairs.ts'

/** The name of the guard's table, of the family inet, in the kernel's notifications. */
const TABLE_NAME = 'postern'

/** The dependencies on the daemon. */
export interface TableWatchDeps {
  readonly log: Pick<Log, 'notice'>
  /** Restores the table. Returns false if it was intact. @throws the firewall's error */
  repair(state: 'changed' | 'gone' | 'unclear'): boolean
}

/** Watches the guard's table. It is restored if another program changes or removes it, at once or after a pause. */
export class TableWatch {
  readonly #deps: TableWatchDeps
  readonly #repairs = new Repairs()
  #monitor: TableMonitor | undefined
  #timer: NodeJS.Timeout | undefined
  #failure: string | undefined

  constructor(deps: TableWatchDeps) {
    this.#deps = deps
  }

  /** The reason why the table could not be restored. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** Begins to watch. Without notifications, which are logged as missing, the table counts as intact. */
  start(): void {
    try {
      this.#monitor = monitorTable(TABLE_NAME, () => this.#changed())
    } catch (error) {
      this.#deps.log.notice('warning', `cannot notice rule changes by other programs: ${(error as Error).message}`)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#monitor?.close()
    this.#monitor = undefined
  }

  /** Returns true if the table is in place. Otherwise the table is restored, at once or after a pause. */
  check(): boolean {
    if (this.#isIntact) return true
    this.#changed()
    return this.#isIntact
  }

  /**
   * Replaces the table by `install`. If another program changed it just before, no notification would come any more: the table
   * is then restored as after any change, since connections may have begun. @throws what `install` throws
   */
  replace(install: () => void): void {
    if (!this.#isIntact) this.#repair()
    const before = this.#monitor?.changes
    install()
    this.#monitor?.look()
    if (this.#monitor?.changes !== before) this.#repair('changed')
  }

  /** True if no notification shows that another program touched the table. The reader has to handle a change. */
  get #isIntact(): boolean {
    return this.#monitor === undefined || this.#monitor.look() === 'intact'
  }

  /** Restores the table at once if another program has changed it. Never throws. */
  #repair(state = this.#monitor?.look() ?? 'unclear'): void {
    if (state === 'intact') return
    try {
      if (this.#deps.repair(state)) this.#repairs.made(performance.now())
      else this.#monitor?.seenIntact()
      this.#failure = undefined
    } catch (error) {
      this.#repairs.made(performance.now())
      this.#failure = (error as Error).message
      this.#deps.log.notice('error', `cannot restore the guard: ${this.#failure}`)
    }
    // The table may have changed again in the meantime, and no further notification would come.
    if (!this.#isIntact) this.#changed()
  }

  /** Handles a change of rules by another program, which may concern the guard. */
  #changed(): void {
    if (this.#timer !== undefined) return
    const pause = this.#repairs.wait(performance.now())
    if (pause === 0) {
      this.#repair()
      return
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#repair()
    }, pause)
  }
}
