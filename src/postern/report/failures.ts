import type { Fact } from '../../log/fact.ts'
import { Counts, FewNames } from './counts.ts'
import type { Counted } from './counts.ts'

/** The most reasons, each at a door, and the most sources that are counted each by itself. */
export const REASONS_COUNTED_MAX = 2_000
export const SOURCES_COUNTED_MAX = 4_096
/** The most sources of a reason, and the most reasons of a source, that are kept. */
const NAMES_KEPT_MAX = 8

/** Knocks that failed at a door for a reason. */
export interface ReasonCount extends Counted {
  readonly why: string
  /** `undefined`: the knocks were at no door, or the log does not say at which. */
  readonly door: string | undefined
  readonly sources: FewNames
  readonly users: FewNames
  last: number
}

/** Knocks of a source that failed. */
export interface FailedSource extends Counted {
  readonly source: string
  host: string | undefined
  readonly reasons: FewNames
  last: number
}

/** The knocks that failed, and why. */
export class Failures {
  readonly reasons = new Counts<ReasonCount>(REASONS_COUNTED_MAX)
  readonly sources = new Counts<FailedSource>(SOURCES_COUNTED_MAX)
  total = 0

  take({ why, door, source, user }: Extract<Fact, { kind: 'failed' }>, time: number, host: string | undefined): void {
    this.total++
    const reason = this.reasons.add(`${door ?? ''}\n${why}`, () => ({
      count: 0,
      why,
      door,
      sources: new FewNames(NAMES_KEPT_MAX),
      users: new FewNames(NAMES_KEPT_MAX),
      last: time,
    }))
    reason.last = Math.max(reason.last, time)
    if (user !== undefined) reason.users.add(user)
    if (source === undefined) return
    reason.sources.add(source)
    const failed = this.sources.add(source, () => ({
      count: 0,
      source,
      host,
      reasons: new FewNames(NAMES_KEPT_MAX),
      last: time,
    }))
    failed.reasons.add(why)
    failed.host ??= host
    failed.last = Math.max(failed.last, time)
  }
}
