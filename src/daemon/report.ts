import type { Effect } from '../gate/effect.ts'
import { eventsOf } from '../log/effects.ts'
import type { Log } from '../log/log.ts'

/** Logs a decision of the gate. */
export function report(log: Pick<Log, 'event'>, effect: Effect): void {
  for (const event of eventsOf(effect)) log.event(event)
}

/** Returns a function that calls `what` the first time only. */
export function once(what: () => void): () => void {
  let done = false
  return () => {
    if (!done) what()
    done = true
  }
}
