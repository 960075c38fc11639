import { exposedText } from '../../control/message.ts'
import type { Status } from '../../control/message.ts'
import type { WatchState } from './state.ts'

/** Something that the daemon complains of. */
export interface Complaint {
  readonly state: 'warning' | 'critical'
  readonly text: string
}

/** Returns what is wrong, the worst first. */
export function complaintsOf({ seen, streamFault }: Pick<WatchState, 'seen' | 'streamFault'>): readonly Complaint[] {
  const stream: readonly Complaint[] =
    streamFault === undefined ? [] : [{ state: 'warning', text: `no events: ${streamFault}` }]
  return [...(seen === undefined ? [] : ofStatus(seen.status)), ...stream]
}

/** Returns what a status complains of, the worst first. */
export function ofStatus({ health = [], exposed }: Status): readonly Complaint[] {
  const judged = health.flatMap(({ subject, state, message }): readonly Complaint[] =>
    state === 'ok' ? [] : [{ state, text: `${subject}: ${message}` }],
  )
  const shown = exposed.map(({ service }): Complaint => ({ state: 'warning', text: exposedText(service) }))
  return [...judged, ...shown].toSorted(
    (one, other) => Number(other.state === 'critical') - Number(one.state === 'critical'),
  )
}

/** Says that all is well, with a word on each part. */
export function wellText({ health = [] }: Status): string {
  return `all is well${health
    .map(({ subject, message }) => `, ${subject}: ${message}`)
    .join('')
    .replace(',', ' -')}`
}
