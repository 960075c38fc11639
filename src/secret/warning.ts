import type { LogEvent } from '../log/event.ts'
import { textOf } from '../log/format.ts'
import type { Log } from '../log/log.ts'

/** A warning about a file, which is logged once, however often the file is read. */
export class Warning {
  readonly #log: Pick<Log, 'event'>
  #said = ''

  constructor(log: Pick<Log, 'event'>) {
    this.#log = log
  }

  /** Logs another warning than the last one. `undefined` means that the file is good again. */
  set(event: LogEvent | undefined): void {
    const text = event === undefined ? '' : textOf(event)
    if (this.#said === text) return
    this.#said = text
    if (event !== undefined) this.#log.event(event)
  }
}
