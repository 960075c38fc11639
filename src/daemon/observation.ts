import type { Config } from '../config/config.ts'
import { Subscribers } from '../control/subscribers.ts'
import { within } from '../door/time-limit.ts'
import { KeptEvents } from '../log/kept-events.ts'
import type { Log } from '../log/log.ts'
import { Counters } from '../metrics/counters.ts'
import { COUNTERS_SAVE_MS, CountersFile } from '../metrics/counters-file.ts'
import { Notifications } from './notifications.ts'

/** The most milliseconds that the end of the daemon waits for the counts to be stored. */
export const LAST_SAVE_MAX_MS = 2_000

/** The observers of the daemon's events: counters, the last events and their readers, and the commands of On_Event. */
export class Observation {
  readonly counters = new Counters()
  readonly subscribers: Subscribers
  readonly #notifications: Notifications
  readonly #log: Log
  #file: CountersFile | undefined
  #timer: NodeJS.Timeout | undefined
  #failure = ''
  #saving: Promise<void> | undefined

  /** Begins to observe a log. */
  constructor(log: Log) {
    const events = new KeptEvents()
    this.subscribers = new Subscribers(events)
    this.#log = log
    log.attach(events)
    log.attach(this.counters)
    this.#notifications = new Notifications({ log })
    log.attach(this.#notifications)
  }

  /**
   * Adds the counts of earlier runs, and stores the counts from now on. The caller has the lock on the state.
   *
   * @param path the file of counts, in a folder that nobody else can write
   * @param as the user and group of the commands, as for {@link CommandLine}
   */
  begin(path: string, config: Config, as: string | undefined): void {
    this.#file = new CountersFile(path)
    const { since, counts, lost } = this.#file.read(Date.now())
    if (lost !== undefined) this.#log.notice('warning', `${path}: ${lost}: counting from zero`)
    this.counters.restore(counts, since)
    this.replace(config, as)
    this.#timer = setInterval(() => void this.#save(), COUNTERS_SAVE_MS)
    this.#timer.unref()
  }

  /** Applies a new config. */
  replace(config: Config, as: string | undefined): void {
    this.counters.replace(config.doors)
    this.#notifications.replace(config, as)
  }

  /** Ends the readers of events and the commands, and stores the counts. Never rejects. */
  async close(): Promise<void> {
    await this.#notifications.close()
    clearInterval(this.#timer)
    this.subscribers.finish()
    // A write that has begun may lack the last counts.
    await within(
      this.#save().then(async () => await this.#save()),
      LAST_SAVE_MAX_MS,
    )
  }

  async #save(): Promise<void> {
    // A disk that hangs gets no second write.
    this.#saving ??= this.#write().finally(() => (this.#saving = undefined))
    await this.#saving
  }

  async #write(): Promise<void> {
    const { since, all } = this.counters.status
    try {
      await this.#file?.write(since, all)
      this.#failure = ''
    } catch (error) {
      const { message } = error as Error
      // A full disk is reported once.
      if (message !== this.#failure) this.#log.notice('warning', `the counts cannot be stored: ${message}`)
      this.#failure = message
    }
  }
}
