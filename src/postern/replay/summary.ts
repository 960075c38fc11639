import { zonedTime } from '../../log/time.ts'
import type { Account } from './accounts.ts'

/** The most sources that the text summary lists. */
export const LISTED_MAX = 50
/** The most doors that are named for a source. */
const DOORS_NAMED_MAX = 8

/** The summary of a replay. */
export interface Summary {
  readonly file: string
  readonly config: string
  /** The number of frames in the file, and of packets that pass the daemon's filter. */
  readonly frames: number
  readonly looked: number
  /** The number of frames that were cut too short to tell whether they are knocks. */
  readonly cut: number
  /** The earliest and the latest time, in milliseconds since 1970. */
  readonly first: number | undefined
  readonly last: number | undefined
  readonly opened: number
  readonly sources: readonly Account[]
  /** True if sources are missing because there were too many. */
  readonly incomplete: boolean
  /** The attempts under way and the doors that would be open when the capture ended. */
  readonly underWay: readonly string[]
  readonly open: readonly { readonly door: string; readonly source: string; readonly until: number }[]
  /** The reason why not all of the file was read. */
  readonly failure: string | undefined
  /** True if the whole file was read and every frame was decoded. */
  readonly whole: boolean
}

/** Formats the summary as one line of JSON. */
export function summaryJson(of: Summary): string {
  const { first, last, sources, open, ...rest } = of
  const listed = sources.map(({ source, packets, stages, opened, reasons }) => ({
    source,
    packets,
    stages: Object.fromEntries(stages),
    opened: Object.fromEntries(opened),
    reasons: Object.fromEntries(reasons),
  }))
  const standing = open.map(({ door, source, until }) => ({ door, source, until: when(until) }))
  return `${JSON.stringify({ event: 'summary', ...rest, first: when(first), last: when(last), open: standing, sources: listed })}\n`
}

/** Formats the summary as text. */
export function summaryText(of: Summary): string {
  const shown = of.sources.slice(0, LISTED_MAX)
  const hidden = of.sources.length - shown.length
  const lines = [
    ...(shown.length === 0 ? [of.whole ? 'nobody knocked' : 'no knock in what could be read'] : shown.map(accountText)),
    ...(hidden > 0 ? [`and ${hidden} other sources, which got no further`] : []),
    ...(of.incomplete ? ['and more sources with at most a first knock: there are too many to count'] : []),
    ...of.underWay,
    ...of.open.map(
      ({ door, source, until }) => `${source}: ${door}: would be open until ${zonedTime(until, 'milliseconds')}`,
    ),
    '',
    `${of.file}: ${of.frames} frames, ${of.looked} looked at, ${of.opened} times a door would have opened`,
  ]
  return `\n${lines.join('\n')}\n`
}

function when(time: number | undefined): string | undefined {
  return time === undefined ? undefined : zonedTime(time, 'milliseconds')
}

function accountText({ source, stages, opened, reasons }: Account): string {
  // Single packets open a door without a stage.
  const all = new Map([...stages, ...[...opened.keys()].map((door) => [door, stages.get(door) ?? 0] as const)])
  const doors = [...all].slice(0, DOORS_NAMED_MAX).map(([door, stage]) => {
    const times = opened.get(door)
    return times === undefined ? `${door} to stage ${stage}` : `${door} opened${times > 1 ? ` ${times} times` : ''}`
  })
  const more = all.size > doors.length ? [`${all.size - doors.length} more doors`] : []
  const why = [...reasons].map(([reason, count]) => (count > 1 ? `${count} times ${reason}` : reason))
  return `${source}: ${[...doors, ...more, ...why].join(', ')}`
}
