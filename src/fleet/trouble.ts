import { explained } from '../etcd/advice.ts'
import type { Etcd } from '../etcd/client.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import type { Log } from '../log/log.ts'
import { EXPIRES_SOON_MS, endOf, judgeCertificates } from './certificates.ts'
import { NodeStates } from './node-states.ts'
import type { FleetKeys } from './settings.ts'
import { Writes } from './writes.ts'

/** Milliseconds between two looks at the times of the certificates: a day. */
export const CERTIFICATES_EVERY_MS = 86_400_000

/** The functions and values that the account of troubles needs. */
export interface TroubleDeps {
  readonly keys: Pick<FleetKeys, 'access' | 'settings'>
  readonly etcd: Pick<Etcd, 'txn' | 'put' | 'grant' | 'statusOf'>
  readonly log: Pick<Log, 'notice'>
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
  /** Returns the time of the clock, in milliseconds since 1970. */
  readonly now: () => number
  /** Returns a number from 0, below 1. */
  readonly random: () => number
}

/**
 * The troubles of this host's place in a fleet that its watches do not tell: refused writes, nodes that are gone, and
 * certificates near their end. The status shows them.
 */
export class Trouble {
  readonly writes: Writes
  readonly #deps: TroubleDeps
  readonly #nodes: NodeStates
  readonly #throttle = new LogThrottle()
  #timer: NodeJS.Timeout | undefined
  /** The reason, as the log has it, why nothing of the fleet may open here. */
  #doubt: string | undefined

  constructor(deps: TroubleDeps) {
    this.#deps = deps
    this.writes = new Writes(deps)
    this.#nodes = new NodeStates({ ...deps, endpoints: deps.keys.settings.endpoints })
  }

  start(): void {
    this.sayCertificates()
    this.#timer = setInterval(() => this.sayCertificates(), CERTIFICATES_EVERY_MS).unref()
    this.#nodes.start()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#nodes.close()
  }

  /** Logs which certificates are to be renewed. */
  sayCertificates(): void {
    for (const { isFault, message } of this.#certificates) {
      this.#deps.log.notice(isFault ? 'error' : 'warning', message)
    }
  }

  /** Logs why nothing of the fleet may open here, such as a clock that is off, and when that is over. */
  sayDoubt(doubt: string | undefined): void {
    const { log, steady } = this.#deps
    // A clock that drifts has another difference each time.
    const subject = doubt?.replaceAll(/\d+/g, '')
    if (subject === this.#doubt || !this.#throttle.due(subject ?? '', steady())) return
    this.#doubt = subject
    if (doubt === undefined) log.notice('notice', 'the clock and the key of the fleet agree with the other hosts again')
    else log.notice('error', `${doubt}\ndoors with \`Scope = fleet\` stay shut`)
  }

  /** The reason why etcd takes no claims, with what to do; `undefined`: it does, as far as is known. */
  get refused(): string | undefined {
    const { fault } = this.writes
    return fault === undefined ? undefined : explained(fault)
  }

  /** The problems with which claims may still win, each with its remedy. */
  get problems(): readonly string[] {
    // A write that failed just now says more of the nodes than the last look at them.
    const nodes = this.writes.fault === undefined ? this.#nodes.problems : []
    return [...this.#certificates.map(({ message }) => message), ...this.writes.problems, ...nodes]
  }

  /** The time at which this host's certificate ends, in milliseconds since 1970; `undefined`: not soon. */
  get endsAt(): number | undefined {
    const { keys, now } = this.#deps
    const end = endOf(keys.access.cert)
    return end === undefined || end > now() + EXPIRES_SOON_MS ? undefined : end
  }

  get #certificates(): ReturnType<typeof judgeCertificates> {
    const { keys, now } = this.#deps
    return judgeCertificates(keys.access, keys.settings, now())
  }
}
