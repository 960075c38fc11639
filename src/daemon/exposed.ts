import type { Service } from '../config/config.ts'
import { formatService, readService } from '../config/service.ts'
import { EXPOSED_MAX, exposedText } from '../control/message.ts'
import type { ExposedStatus } from '../control/message.ts'
import { uncovered } from '../firewall/guard/merge.ts'
import type { Store } from '../state/store.ts'
import type { Log } from '../log/log.ts'

/** The state's key for the ports that are no longer hidden, each with the time of its change. */
const EXPOSED_KEY = 'exposed'
/** Milliseconds for which such a port is reported (one day). */
export const EXPOSED_TOLD_MS = 86_400_000

/** A service that was hidden and no longer is. */
interface Exposure {
  readonly service: Service
  /** Milliseconds since 1970. */
  readonly at: number
}

/** The dependencies on the daemon. */
export interface ExposedDeps {
  readonly store: Pick<Store, 'newest' | 'advance' | 'forget'>
  readonly log: Pick<Log, 'notice'>
  readonly clocks: { now(): { readonly wall: number } }
}

/** The ports that the guard no longer hides, because the config no longer names them. They are reported for a day. */
export class Exposed {
  readonly #deps: ExposedDeps

  constructor(deps: ExposedDeps) {
    this.#deps = deps
  }

  /** The ports of the last day. */
  get list(): readonly ExposedStatus[] {
    const { wall } = this.#deps.clocks.now()
    return this.#exposures(wall).map(({ service, at }) => ({ service: formatService(service), forMs: wall - at }))
  }

  /** Logs and stores which services are no longer hidden. Never rejects. */
  async compare(before: readonly Service[], after: readonly Service[]): Promise<void> {
    const { store, log, clocks } = this.#deps
    const { wall } = clocks.now()
    const fresh = uncovered(before, after)
    for (const service of fresh.slice(0, EXPOSED_MAX)) log.notice('warning', exposedText(formatService(service)))
    if (fresh.length > EXPOSED_MAX) {
      log.notice('warning', `${fresh.length - EXPOSED_MAX} more ports and ranges are no longer hidden`)
    }
    const earlier = this.#exposures(wall).flatMap(({ service, at }) =>
      uncovered([service], [...after, ...fresh]).map((left) => ({ service: left, at })),
    )
    const all = [...fresh.map((service) => ({ service, at: wall })), ...earlier].slice(0, EXPOSED_MAX)
    const value = all.map(({ service, at }) => `${at} ${formatService(service)}`).join('\n')
    if (value === (store.newest(EXPOSED_KEY) ?? '')) return
    try {
      if (value === '') await store.forget(EXPOSED_KEY)
      else await store.advance(EXPOSED_KEY, value, () => true)
    } catch (error) {
      log.notice(
        'warning',
        `the ports that are no longer hidden will be unknown after a restart: ${(error as Error).message}`,
      )
    }
  }

  #exposures(wall: number): readonly Exposure[] {
    const lines = (this.#deps.store.newest(EXPOSED_KEY) ?? '').split('\n')
    return lines.flatMap((line) => {
      const [at = '', name = ''] = line.split(' ')
      const service = readService(name)
      // After the clock was set back, the elapsed time is unknown.
      const told = Math.abs(wall - Number(at)) < EXPOSED_TOLD_MS
      return service === undefined || !told ? [] : [{ service, at: Math.min(Number(at), wall) }]
    })
  }
}
