import { ControlServer } from '../control/server.ts'
import type { Subscribers } from '../control/subscribers.ts'
import { answer } from './control.ts'
import type { Controlled } from './control.ts'
import type { Log } from '../log/log.ts'

/** The operators, who inspect and control the daemon through its socket. The daemon also works without the socket. */
export class Operators {
  readonly #server: ControlServer
  readonly #log: Pick<Log, 'notice'>
  #group: string | undefined

  /** @param controlled returns the present parts of the daemon that operators inspect and control */
  constructor(
    path: string,
    controlled: () => Controlled,
    log: Pick<Log, 'notice'>,
    subscribers: Pick<Subscribers, 'add' | 'endMembers'>,
  ) {
    this.#log = log
    this.#server = new ControlServer(
      path,
      async (request, asker) => await answer(request, asker, controlled()),
      (error) => log.notice('warning', `postern open, close and status do not work: ${error.message}`),
      subscribers,
    )
  }

  /** Begins to answer root and a group. Failures are logged. */
  listen(group: string | undefined): void {
    this.#group = group
    this.#try(() => this.#server.listen(group))
  }

  /** Admits another group in place of the previous one. Failures are logged. */
  replace(group: string | undefined): void {
    if (group === this.#group) return
    this.#group = group
    this.#try(() => this.#server.admit(group))
  }

  close(): void {
    this.#server.close()
  }

  #try(how: () => void): void {
    try {
      how()
    } catch (error) {
      this.#log.notice('warning', `postern open, close and status may not work: ${(error as Error).message}`)
    }
  }
}
