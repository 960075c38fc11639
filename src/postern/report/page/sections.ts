import { Markup, markup } from '../../../publish/page/markup.ts'
import { attentionOf } from '../attention.ts'
import { NETWORKS_ARE, OPENINGS_LISTED_MAX } from '../contents.ts'
import type { Contents, Rows } from '../contents.ts'
import type { Opening } from '../openings.ts'
import { failedBy, openingBy, problemsOf } from '../sentences.ts'
import { dayText, lengthText, manyText, numberText, timeText } from '../times.ts'
import { Axis, NOTHING, barsOf, histogramOf, laneOf, shareOf } from './pictures.ts'
import { joined, nameOf, tableOf } from './table.ts'

/** What needs attention; nothing if nothing does. */
export function attention(of: Contents): Markup {
  const found = attentionOf(of)
  if (found.length === 0) return NOTHING
  const items = found.map(({ severity, text }) => markup`<li class="${severity}">${text}</li>`)
  return markup`<section class="attention" aria-labelledby="attention"><h2 id="attention">Needs attention</h2><ul>${joined(items)}</ul></section>`
}

/** The four numbers. */
export function totals(of: Contents): Markup {
  const named = of.users.rows.length + of.users.more
  const came = of.absentUsers === undefined ? '' : ` of ${numberText(named + of.absentUsers.length)}`
  const tiles = [
    [
      numberText(of.openings),
      of.openings === 1 ? 'opening' : 'openings',
      of.byHand > 0 ? `${numberText(of.byHand)} by hand` : '',
    ],
    [`${of.users.isCut ? 'more than ' : ''}${numberText(named)}`, named === 1 ? 'user came' : 'users came', came],
    [numberText(of.failures), of.failures === 1 ? 'failed knock' : 'failed knocks', many(of.sources, 'source')],
    [numberText(of.scans), of.scans === 1 ? 'port scan' : 'port scans', many(of.networks, 'network')],
  ] as const
  const shown = tiles.map(
    ([number, what, more]) => markup`<div><dd>${number}</dd><dt>${what}</dt><dd class="note">${more}</dd></div>`,
  )
  return markup`<dl class="totals">${joined(shown)}</dl>`
}

function many({ rows, more, isCut }: Rows<unknown>, noun: string): string {
  const count = rows.length + more
  return count === 0 ? '' : `from ${isCut ? 'more than ' : ''}${manyText(count, noun)}`
}

/** The days or hours with what happened in them. */
export function overTime(of: Contents, axis: Axis): Markup {
  const { starts, areDays } = axis.bars
  const [first = 0, second = starts[0]] = starts
  const each = areDays ? lengthText(24 * 3_600_000) : lengthText(second! - first)
  const kinds = [
    ['openings', 'Openings', 'open'],
    ['failures', 'Failed knocks', 'failed'],
    ['scans', 'Port scans', 'scan'],
  ] as const
  const pictures = kinds.map(([field, name, kind]) => {
    const bars = barsOf(
      axis,
      of.hours.map((hour) => ({ time: hour.time, count: hour[field] })),
    )
    const title = bars.most === 0 ? `${name}: none` : `${name}: at most ${numberText(bars.most)} in ${each}`
    return markup`<figure><figcaption><b>${name}</b> <span class="note">${bars.most === 0 ? 'none' : `at most ${numberText(bars.most)} in ${each}`}</span></figcaption>${histogramOf(axis, bars, { title, kind })}</figure>`
  })
  const { labels } = axis
  const rows = labels.starts.map((start, index) => {
    const end = labels.starts[index + 1] ?? Infinity
    const hours = of.hours.filter(({ time }) => time >= start && time < end)
    const sum = (field: 'openings' | 'failures' | 'scans'): string =>
      numberText(hours.reduce((all, hour) => all + hour[field], 0))
    return [labels.areDays ? dayText(start) : timeText(start), sum('openings'), sum('failures'), sum('scans')]
  })
  const columns = [{ name: 'From' }, ...kinds.map(([, name]) => ({ name, isNumber: true }) as const)]
  return section(
    'time',
    'Over the time',
    markup`<div class="overtime">${joined(pictures)}${axis.names}</div>
<details><summary>The same as a table</summary>${tableOf('What happened, by time', columns, rows)}</details>`,
  )
}

/** The timeline of openings, by door and by user, and the list of them. */
export function openings(of: Contents, axis: Axis): Markup {
  if (of.openings === 0) return section('openings', 'Openings', markup`<p>No door opened in this time.</p>`)
  const byDoor = lanes('Door', of.doors.rows, axis, (name) => of.timeline.filter(({ door }) => door === name))
  const byUser = lanes('User', of.users.rows, axis, (name) => of.timeline.filter(({ user }) => user === name))
  const before = of.openings - of.timeline.length
  const listed = of.timeline.slice(-OPENINGS_LISTED_MAX).toReversed()
  const rows = listed.map((each) => [
    timeText(each.time),
    lastsText(each),
    nameOf(each.door),
    nameOf(openingBy(each)),
    sourceOf(each),
  ])
  const columns = [{ name: 'Time' }, { name: 'Open for' }, { name: 'Door' }, { name: 'By' }, { name: 'From' }]
  const title =
    listed.length < of.openings
      ? `The last ${numberText(listed.length)} of ${numberText(of.openings)} openings`
      : 'All openings, one by one'
  return section(
    'openings',
    'Openings',
    markup`<p class="note">A dot is a short opening, a bar a long one. Those that are close together run into one.${before > 0 ? ` The pictures have the last ${numberText(of.timeline.length)}.` : ''}</p>
<h3>By door</h3>${byDoor}${rest(of.doors, 'door')}
<h3>By user</h3>${of.users.rows.length === 0 ? markup`<p>The log names no user.</p>` : byUser}${rest(of.users, 'user')}${unnamed(of)}
<details><summary>${title}</summary>${tableOf(title, columns, rows)}</details>`,
  )
}

function lanes(
  of: string,
  rows: Contents['doors']['rows'],
  axis: Axis,
  openingsOf: (name: string) => readonly Opening[],
): Markup {
  const lines = rows.map(({ name, openings: count, last }) => {
    const title = `${name}: ${manyText(count, 'opening')}, the last on ${timeText(last!)}`
    return markup`<tr role="row"><th scope="row" role="rowheader">${nameOf(name)}</th><td role="cell" class="number" data-of="Openings">${numberText(count)}</td><td role="cell" class="picture">${laneOf(axis, openingsOf(name), title)}</td></tr>`
  })
  return markup`<table class="lanes" role="table"><caption>Openings by ${of.toLowerCase()}</caption>
<thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">${of}</th><th scope="col" role="columnheader" class="number">Openings</th><th scope="col" role="columnheader" class="picture"><span class="hidden">When</span>${axis.names}</th></tr></thead>
<tbody role="rowgroup">${joined(lines, '\n')}</tbody></table>`
}

function unnamed({ unnamed: all, byHand }: Contents): Markup {
  const without = all - byHand
  return without === 0
    ? NOTHING
    : markup`<p class="note">${manyText(without, 'opening')} without a name: the log has no user for ${without === 1 ? 'it' : 'them'}.</p>`
}

function lastsText({ time, until }: Opening): string {
  return until === undefined ? 'not known' : lengthText(until - time)
}

function sourceOf({
  source,
  host,
}: {
  readonly source: string | undefined
  readonly host: string | undefined
}): Markup {
  if (source === undefined) return markup`not known`
  return host === undefined
    ? markup`<code>${source}</code>`
    : markup`<code>${source}</code> <span class="note">${nameOf(host)}</span>`
}

/** When each user last came, and who did not come. */
export function users(of: Contents): Markup {
  if (of.users.rows.length === 0 && (of.absentUsers ?? []).length === 0) return NOTHING
  const rows = of.users.rows.map((user) => [
    nameOf(user.name),
    timeText(user.last!),
    nameOf(user.door ?? 'not known'),
    sourceOf(user),
    numberText(user.openings),
  ])
  const columns = [
    { name: 'User' },
    { name: 'Last' },
    { name: 'Door' },
    { name: 'From' },
    { name: 'Openings', isNumber: true },
  ] as const
  return section(
    'users',
    'When each user last came',
    markup`${rows.length === 0 ? NOTHING : tableOf('Users, the last one first', columns, rows)}${rest(of.users, 'user')}${names('Did not come', of.absentUsers)}`,
  )
}

/** Knocks that failed, by reason and by source. */
export function failures(of: Contents): Markup {
  if (of.failures === 0) return section('failures', 'Knocks that failed', markup`<p>None.</p>`)
  const [most] = of.reasons.rows
  const reasons = of.reasons.rows.map((row) => [
    markup`${row.why}`,
    row.door === undefined ? 'no door' : nameOf(row.door),
    markup`${numberText(row.count)}${shareOf(row.count, most!.count)}`,
    nameOf(failedBy(row)),
    timeText(row.last),
  ])
  const reasonColumns = [
    { name: 'Why' },
    { name: 'Door' },
    { name: 'Times', isNumber: true },
    { name: 'Who' },
    { name: 'Last' },
  ] as const
  const sources = of.sources.rows.map((row) => [
    sourceOf(row),
    numberText(row.count),
    row.reasons.join('; '),
    timeText(row.last),
  ])
  const sourceColumns = [
    { name: 'Source' },
    { name: 'Failed', isNumber: true },
    { name: 'Why' },
    { name: 'Last' },
  ] as const
  return section(
    'failures',
    'Knocks that failed, and why',
    markup`${tableOf('Failed knocks by reason', reasonColumns, reasons)}${rest(of.reasons, 'reason')}
<details><summary>By source</summary>${tableOf('Failed knocks by source', sourceColumns, sources)}${rest(of.sources, 'source')}</details>`,
  )
}

/** Port scans by network. */
export function scans(of: Contents): Markup {
  if (of.scans === 0) return section('scans', 'Port scans', markup`<p>None.</p>`)
  const [most] = of.networks.rows
  const rows = of.networks.rows.map((row) => [
    markup`<code>${row.network}</code>`,
    markup`${numberText(row.count)}${shareOf(row.count, most!.count)}`,
    `${row.addresses}${row.isMoreAddresses ? ' and more' : ''}`,
    timeText(row.first),
    timeText(row.last),
  ])
  const columns = [
    { name: 'Network' },
    { name: 'Scans', isNumber: true },
    { name: 'Addresses', isNumber: true },
    { name: 'First' },
    { name: 'Last' },
  ] as const
  return section(
    'scans',
    'Port scans by network',
    markup`<p class="note">The ${NETWORKS_ARE}. A source address of a scan can be forged.</p>${tableOf('Port scans by network', columns, rows)}${rest(of.networks, 'network')}`,
  )
}

/** Doors that nobody used, and lists of one-time sequences. */
export function config(of: Contents): Markup {
  const { unusedDoors, lists = [] } = of
  const unused =
    unusedDoors === undefined
      ? NOTHING
      : section(
          'unused',
          'Doors that nobody used',
          unusedDoors.length === 0 ? markup`<p>None: every door was used.</p>` : names('', unusedDoors),
        )
  const rows = lists.map(({ door, left, lowWater, isLow, fault }) => [
    nameOf(door),
    left === undefined ? '?' : numberText(left),
    fault === undefined
      ? left === 0
        ? badge('used up')
        : isLow
          ? badge('low')
          : markup`enough (low at ${String(lowWater)})`
      : markup`${fault}`,
  ])
  const columns = [{ name: 'Door' }, { name: 'Left', isNumber: true }, { name: 'State' }] as const
  const left =
    lists.length === 0
      ? NOTHING
      : section('lists', 'One-time sequences', tableOf('Lists of one-time sequences', columns, rows))
  return markup`<div class="beside">${unused}${left}</div>`
}

/** Where the report comes from, and what it does not know. */
export function origin(of: Contents): Markup {
  const items = [...problemsOf(of), ...of.notes].map((text) => markup`<li>${nameOf(text)}</li>`)
  return section('origin', 'Where this comes from', markup`<ul class="note">${joined(items)}</ul>`)
}

function section(id: string, title: string, content: Markup): Markup {
  return markup`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}</section>`
}

function names(title: string, list: readonly string[] | undefined): Markup {
  if (list === undefined || list.length === 0) return NOTHING
  const items = list.slice(0, NAMES_MAX).map((name) => markup`<li>${nameOf(name)}</li>`)
  const more = list.length - items.length
  return markup`${title === '' ? NOTHING : markup`<h3>${title}</h3>`}<ul class="names">${joined(items)}</ul>${more > 0 ? markup`<p class="note">and ${numberText(more)} more</p>` : NOTHING}`
}

/** The most names of a list. */
const NAMES_MAX = 200

function badge(text: string): Markup {
  return markup`<strong class="badge">${text}</strong>`
}

function rest({ more, isCut }: Rows<unknown>, noun: string): Markup {
  if (isCut)
    return markup`<p class="note">And more: there were too many ${noun}s to count, so those that came seldom are missing.</p>`
  return more === 0 ? NOTHING : markup`<p class="note">And ${manyText(more, `more ${noun}`)}.</p>`
}
