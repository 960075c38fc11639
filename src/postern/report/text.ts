import { NETWORKS_ARE } from './contents.ts'
import type { Contents, Rows } from './contents.ts'
import { COLUMNS, bullet, table, wrapped } from './columns.ts'
import { attentionOf } from './attention.ts'
import { failedBy, openingBy, problemsOf, scopeOf } from './sentences.ts'
import { clockText, dayText, lengthText, manyText, numberText, partsOf, timeText } from './times.ts'

const BAR_COLUMNS = 24
/** The most openings, and the most days or hours, that are listed. */
const LISTED_MAX = 20
const PARTS_MAX = 14

/** Formats a report as text of 80 columns. Lines of several long names go beyond. */
export function textOf(of: Contents): string {
  const parts = [
    head(of),
    section(
      'Needs attention',
      attentionOf(of)
        .map(({ text }) => text)
        .flatMap(bullet),
    ),
    ...(of.openings === 0 ? [] : [openings(of), users(of)]),
    failures(of),
    scans(of),
    days(of),
    config(of),
    section('Where this comes from', [...problemsOf(of), ...of.notes].flatMap(bullet)),
  ]
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`
}

function head(of: Contents): string {
  const counts = [
    manyText(of.openings, 'opening'),
    manyText(of.failures, 'failed knock'),
    manyText(of.scans, 'port scan'),
  ]
  const title = `Postern report of ${of.machine}`
  return [title, '='.repeat(Math.min(title.length, COLUMNS)), ...wrapped(scopeOf(of)), '', counts.join(', ')].join('\n')
}

function openings(of: Contents): string {
  const doors = of.doors.rows.map(({ name, openings: count, last }) => [name, numberText(count), timeText(last!)])
  const last = of.timeline.slice(-LISTED_MAX).toReversed()
  const listed = last.map((each) => [
    timeText(each.time),
    each.until === undefined ? '-' : lengthText(each.until - each.time),
    each.door,
    openingBy(each),
    each.source ?? '-',
  ])
  const more = of.openings - last.length
  return [
    section('Openings by door', [...table(['door', 'openings', 'last'], doors, [1]), ...rest(of.doors, 'door')]),
    section(more > 0 ? `The last ${last.length} openings` : 'All openings', [
      ...table(['time', 'open for', 'door', 'by', 'from'], listed),
      ...(more > 0 ? [`and ${numberText(more)} before`] : []),
    ]),
  ].join('\n\n')
}

function users(of: Contents): string {
  const rows = of.users.rows.map((user) => [
    user.name,
    timeText(user.last!),
    user.door ?? '-',
    numberText(user.openings),
    user.source ?? '-',
  ])
  const unnamed = of.unnamed - of.byHand
  return section('When each user last came', [
    ...(rows.length === 0 ? [] : table(['user', 'last', 'door', 'openings', 'from'], rows, [3])),
    ...rest(of.users, 'user'),
    ...(unnamed > 0
      ? wrapped(
          `${manyText(unnamed, 'opening')} without a name: the log has no user for ${unnamed === 1 ? 'it' : 'them'}.`,
        )
      : []),
    ...(of.byHand > 0 ? [`${manyText(of.byHand, 'opening')} by hand`] : []),
  ])
}

function failures(of: Contents): string {
  if (of.failures === 0) return section('Knocks that failed', ['none'])
  const reasons = of.reasons.rows.flatMap((row) => [
    ...wrapped(
      `${numberText(row.count).padStart(8)}  ${row.why}${row.door === undefined ? '' : `, at ${row.door}`}`,
      10,
    ),
    ...wrapped(`          ${failedBy(row)}; last ${timeText(row.last)}`, 10),
  ])
  const sources = of.sources.rows
    .slice(0, LISTED_MAX)
    .map(({ source, host, count, last }) => [
      host === undefined ? source : `${source} (${host})`,
      numberText(count),
      timeText(last),
    ])
  const hidden = of.sources.rows.length - sources.length
  return [
    section('Knocks that failed, and why', [...reasons, ...rest(of.reasons, 'reason')]),
    section('From where', [
      ...table(['source', 'failed', 'last'], sources, [1]),
      ...rest({ ...of.sources, more: of.sources.more + hidden }, 'source'),
    ]),
  ].join('\n\n')
}

function scans(of: Contents): string {
  if (of.scans === 0) return section('Port scans by network', ['none'])
  const rows = of.networks.rows
    .slice(0, LISTED_MAX)
    .map((row) => [
      row.network,
      numberText(row.count),
      `${row.addresses}${row.isMoreAddresses ? '+' : ''}`,
      timeText(row.first),
      timeText(row.last),
    ])
  const hidden = of.networks.rows.length - rows.length
  return section('Port scans by network', [
    ...table(['network', 'scans', 'addresses', 'first', 'last'], rows, [1, 2]),
    ...rest({ ...of.networks, more: of.networks.more + hidden }, 'network'),
    `(${NETWORKS_ARE})`,
  ])
}

/** Shows the days or hours with a bar for the openings. */
function days(of: Contents): string {
  if (of.from === undefined || of.to === undefined || of.hours.length === 0) return ''
  const { starts, areDays } = partsOf(of.from, of.to, PARTS_MAX)
  const rows = starts.map((start, index) => {
    const end = starts[index + 1] ?? Infinity
    const hours = of.hours.filter(({ time }) => time >= start && time < end)
    const sum = (field: 'openings' | 'failures' | 'scans'): number => hours.reduce((all, hour) => all + hour[field], 0)
    return { start, openings: sum('openings'), failures: sum('failures'), scans: sum('scans') }
  })
  const most = Math.max(1, ...rows.map((row) => row.openings))
  return section(
    'Over the time',
    table(
      ['from', 'openings', 'failed', 'scans', ''],
      rows.map((row) => [
        areDays ? dayText(row.start) : `${dayText(row.start)} ${clockText(row.start)}`,
        numberText(row.openings),
        numberText(row.failures),
        numberText(row.scans),
        '#'.repeat(Math.ceil((row.openings / most) * BAR_COLUMNS)),
      ]),
      [1, 2, 3],
    ),
  )
}

function config(of: Contents): string {
  const names = (title: string, list: readonly string[] | undefined, none: string): string =>
    list === undefined ? '' : section(title, list.length === 0 ? [none] : wrapped(list.join(', ')))
  return [
    names('Doors that nobody used', of.unusedDoors, 'none: every door was used'),
    names(
      'Users who did not come',
      of.absentUsers?.length === 0 && of.users.rows.length === 0 ? undefined : of.absentUsers,
      'none: every user came',
    ),
    of.lists === undefined || of.lists.length === 0
      ? ''
      : section(
          'One-time sequences',
          table(
            ['door', 'left', ''],
            of.lists.map(({ door, left, isLow, fault }) => [
              door,
              left === undefined ? '?' : numberText(left),
              fault ?? (left === 0 ? 'used up' : isLow ? 'low' : ''),
            ]),
            [1],
          ),
        ),
  ]
    .filter((part) => part !== '')
    .join('\n\n')
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : [title, '-'.repeat(Math.min(title.length, COLUMNS)), ...lines].join('\n')
}

function rest({ more, isCut }: Rows<unknown>, noun: string): readonly string[] {
  if (isCut) return wrapped(`and more: there were too many ${noun}s to count, so those that came seldom are missing`)
  return more === 0 ? [] : [`and ${manyText(more, `more ${noun}`)}`]
}
