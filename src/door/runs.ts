import type { Opening } from '../state/opening.ts'
import type { CommandLine, Outcome } from './command.ts'
import type { Log } from '../log/log.ts'

/** Most tries of a stop command that does not run to its end. */
export const STOP_TRIES_MAX = 5
/** Milliseconds before the second try. The wait doubles before each further one. */
const STOP_RETRY_MS = 1_000

/** The log of commands. */
export type RunLog = Pick<Log, 'event' | 'output' | 'notice'>

/** Runs the commands of doors: start commands and stop commands. */
export class Runs {
  readonly #runner: { run(command: CommandLine): Promise<Outcome> }
  readonly #log: RunLog

  constructor(runner: { run(command: CommandLine): Promise<Outcome> }, log: RunLog) {
    this.#runner = runner
    this.#log = log
  }

  /**
   * Runs a start command. Returns true if it exits with status 0.
   *
   * @param begun called before the command is logged: logging takes a part of the time that starting it takes
   */
  async start(
    door: string,
    { text, as }: Pick<CommandLine, 'text' | 'as'>,
    environment: Opening['environment'],
    begun = (): void => undefined,
  ): Promise<boolean> {
    const running = this.#runner.run({
      text,
      as,
      environment: { ...environment, POSTERN_ACTION: 'start' },
      urgent: false,
    })
    begun()
    this.#log.event({ kind: 'command', door, command: text })
    const outcome = await running
    this.#told(door, outcome)
    return outcome.kind === 'exited' && outcome.status === 0
  }

  /** Runs a stop command until it exits, with any status. False: it never did. */
  async stop({ door, as, environment }: Opening, text: string): Promise<boolean> {
    const command = { text, as, environment: { ...environment, POSTERN_ACTION: 'stop' }, urgent: true }
    for (let tried = 1; tried <= STOP_TRIES_MAX; tried++) {
      if (tried > 1) await pause(STOP_RETRY_MS * 2 ** (tried - 2))
      this.#log.event({ kind: 'command', door, command: text })
      const outcome = await this.#runner.run(command)
      this.#told(door, outcome)
      if (outcome.kind === 'exited') return true
    }
    return false
  }

  #told(door: string, outcome: Outcome): void {
    const log = this.#log
    const trouble = (what: string, cause?: string): void =>
      log.event({ kind: 'trouble', level: 'error', door, what, cause, about: 'command' })
    if ('output' in outcome && outcome.output !== '') log.output(door, outcome.output)
    if (outcome.kind === 'exited' && outcome.status !== 0) log.event({ kind: 'status', door, status: outcome.status })
    if (outcome.kind === 'killed') trouble(`command was ended by ${outcome.signal}`)
    if (outcome.kind === 'failed') trouble('command could not be run', outcome.error.message)
    if (outcome.kind === 'refused') trouble('command was not run: too many are waiting')
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
}
