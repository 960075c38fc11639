import { timeText } from '../control/table.ts'
import { choiceText } from './filter.ts'
import { cell, clean, fit, widthOf } from './glyphs.ts'
import type { Row, Span, Style } from './paint.ts'
import { graphOf, rateText } from './rates.ts'
import type { Samples } from './rates.ts'
import { isFiltered, isMember } from './state.ts'
import type { Moment, WatchState } from './state.ts'

const LABEL_COLUMNS = 10
const RATE_COLUMNS = 6

/** Draws the first row: which daemon, what is chosen, and whether the lists are of this moment. */
export function titleRow(state: WatchState, columns: number, now: Moment): Row {
  const { isUtf8, seen } = state
  const [stateText, style] = linkText(state, now)
  const right = fit(stateText, columns, isUtf8)
  const filter = isFiltered(state) ? `only ${choiceText(state.filter)}` : ''
  const parts =
    seen === undefined
      ? ['postern watch', filter]
      : [
          `knockd ${seen.status.version}`,
          filter,
          seen.status.config,
          `up ${timeText(seen.status.upMs)}`,
          pidText(state),
        ]
  const room = columns - widthOf(right) - 2
  const spans: Span[] = []
  let used = 0
  for (const [index, part] of parts.map((text) => clean(text, isUtf8)).entries()) {
    const text = part === '' ? '' : `${used === 0 ? '' : '  '}${part}`
    // The filter is cut rather than left out: the lists depend on it.
    const shown = index === 1 ? fit(text, room - used, isUtf8) : used + widthOf(text) <= room ? text : ''
    if (shown === '') continue
    spans.push({ text: shown, style: index === 1 ? 'warn' : index === 0 ? 'head' : 'plain' })
    used += widthOf(shown)
  }
  return [
    ...spans,
    { text: ' '.repeat(Math.max(0, columns - used - widthOf(right))), style: 'plain' },
    { text: right, style },
  ]
}

/** Draws the rates: a label, the last value, and the graph, for packets and for knocks. */
export function graphRow(state: WatchState, columns: number): Row {
  const { rates, isUtf8 } = state
  if (isMember(state)) {
    const text = 'packets, knocks, attempts and who is ignored are shown only to root'
    return [{ text: fit(text, columns, isUtf8), style: 'dim' }]
  }
  const half = Math.floor((columns - 2) / 2)
  return [
    ...graph('packets/s', rates.packets, half, isUtf8),
    { text: '  ', style: 'plain' },
    ...graph('knocks/s', rates.knocks, columns - half - 2, isUtf8),
  ]
}

function graph(label: string, samples: Samples, columns: number, isUtf8: boolean): Row {
  const room = columns - LABEL_COLUMNS - RATE_COLUMNS - 1
  return [
    { text: cell(label, Math.min(columns, LABEL_COLUMNS), isUtf8), style: 'dim' },
    {
      text: cell(rateText(samples.at(-1)), Math.max(0, Math.min(RATE_COLUMNS, columns - LABEL_COLUMNS)), isUtf8, true),
      style: 'head',
    },
    { text: room > 0 ? ` ${graphOf(samples, room, isUtf8)}` : '', style: 'note' },
  ]
}

function linkText({ link, pausedMs, seen }: WatchState, now: Moment): readonly [string, Style] {
  const asOf = seen === undefined ? '' : `, as of ${clockText(seen.at.wall)}`
  if (pausedMs !== undefined) return [`PAUSED${asOf}`, 'warn']
  if (link.kind === 'down') return [`NO ANSWER${asOf}`, 'bad']
  return [clockText(now.wall), 'plain']
}

function pidText({ seen }: WatchState): string {
  const pid = seen?.status.pid
  return pid === undefined ? '' : `process ${pid}`
}

/** Formats the time of day of this machine: `03:12:45`. */
export function clockText(ms: number): string {
  const date = new Date(ms)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}
