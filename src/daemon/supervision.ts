import { counted } from '../text/counted.ts'
import { StatusLine, isSupervised } from './notify.ts'
import { Watchdog, signInterval } from './watchdog.ts'

/** The most interfaces that the status line names. The others are counted. */
export const INTERFACES_NAMED_MAX = 8
/** Milliseconds between two looks at the state, if the service manager has no watchdog. */
const LOOK_MS = 10_000

/** The state of the daemon, as its status line has it. */
export interface ServiceState {
  readonly doors: number
  readonly openings: number
  /** `waiting`: the reason why an interface is not captured. */
  readonly interfaces: readonly { readonly name: string; readonly waiting: string | undefined }[]
  /** False if the guard should be in the rules, and is not. */
  readonly isGuardInForce: boolean
  /** True if the config in force is not the one that was last read. */
  readonly hasRefusedConfig: boolean
}

/**
 * Returns the status line. Every user of the host can read it, so it has neither names of doors nor addresses of
 * sources.
 */
export function statusLineText(state: ServiceState): string {
  const { doors, openings, interfaces, isGuardInForce, hasRefusedConfig } = state
  const named = interfaces
    .slice(0, INTERFACES_NAMED_MAX)
    .map(({ name, waiting }) => (waiting === undefined ? name : `${name} (waiting)`))
  const more = interfaces.length - named.length
  return [
    `${counted(doors, 'door')}, ${counted(openings, 'opening')}`,
    `on ${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`,
    ...(isGuardInForce ? [] : ['the guard is not in force']),
    ...(hasRefusedConfig ? ['the new config was refused: see the log'] : []),
  ].join('; ')
}

/** The dependencies on the daemon. */
export interface SupervisionDeps {
  readonly state: () => ServiceState
  /** Returns true if the captures are watched. */
  readonly isWatching: () => boolean
  readonly log: { notice(level: 'error', text: string): void }
}

/** A running daemon as its service manager sees it: by its status line, and by signs of life. */
export class Supervision {
  readonly #status: StatusLine
  readonly #watchdog: Watchdog
  #look: NodeJS.Timeout | undefined
  #hasBegun = false

  constructor({ state, isWatching, log }: SupervisionDeps) {
    this.#status = new StatusLine(() => statusLineText(state()))
    this.#watchdog = new Watchdog({
      isWatching,
      failed: () => log.notice('error', 'the interfaces are not watched: the service manager restarts knockd soon'),
      turned: () => this.changed(),
    })
  }

  /** Begins, if a service manager started this process. */
  start(): void {
    if (!isSupervised()) return
    this.#hasBegun = true
    const everyMs = signInterval(process.env, process.pid)
    if (everyMs !== undefined) this.#watchdog.start(everyMs)
    else this.#look = setInterval(() => this.changed(), LOOK_MS).unref()
    this.changed()
  }

  /** Has the status line sent, if the state has changed. */
  changed(): void {
    if (this.#hasBegun) this.#status.changed()
  }

  stop(): void {
    clearInterval(this.#look)
    this.#watchdog.stop()
    this.#status.stop()
  }
}
