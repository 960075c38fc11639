import { counted } from '../../text/counted.ts'
import { timeText } from '../control/table.ts'
import { grouped } from './pane.ts'
import { isMember } from './state.ts'
import type { WatchState } from './state.ts'

/** The most openings and ignored sources that are listed at the beginning. */
const LISTED_MAX = 20

/** Says in sentences what the first status shows. */
export function spokenSummary(state: WatchState): readonly string[] {
  const { seen } = state
  if (seen === undefined) return []
  const { status, inAll } = seen
  const { version, pid, config, openings, attempts, ignored } = status
  const sources = isMember(state)
    ? 'attempts and who is ignored are shown only to root'
    : `${counted(attempts?.count ?? 0, 'attempt')} under way, ${counted(ignored.length, 'ignored address').replace('addresss', 'addresses')}`
  return [
    `watching knockd ${version}, process ${pid ?? 'unknown'}, ${config}: ${counted(inAll.doors, 'door')}, ${inAll.openings} open, ${sources}`,
    ...listed(
      openings.map(({ door, source, leftMs }) => `open: ${door} for ${source}, ${timeText(leftMs)} left`),
      inAll.openings,
    ),
    ...listed(
      (attempts?.listed ?? []).map(
        ({ source, doors, stage, leftMs }) =>
          `attempt: ${source} at ${doors.join(', ')}, stage ${stage}, ${timeText(leftMs)} left`,
      ),
      attempts?.count ?? 0,
    ),
    ...listed(
      isMember(state)
        ? []
        : ignored.map(({ source, why, leftMs }) => `ignored: ${source}, ${why}, ${timeText(leftMs)} left`),
      ignored.length,
    ),
  ]
}

function listed(lines: readonly string[], count: number): readonly string[] {
  const shown = lines.slice(0, LISTED_MAX)
  return count > shown.length ? [...shown, `and ${grouped(count - shown.length)} more`] : shown
}
