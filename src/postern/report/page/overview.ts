import { markup } from '../../../publish/page/markup.ts'
import type { Markup } from '../../../publish/page/markup.ts'
import { attentionOf } from '../attention.ts'
import type { Contents, Rows } from '../contents.ts'
import { problemsOf } from '../sentences.ts'
import { dayText, lengthText, manyText, numberText, timeText } from '../times.ts'
import { NOTHING, nameList, section } from './parts.ts'
import { barsOf, histogramOf } from './pictures.ts'
import type { Axis } from './pictures.ts'
import { joined, nameOf, tableOf } from './table.ts'

/** Lists the faults and warnings, if there are any. */
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

/** Doors that nobody used, and lists of one-time sequences. */
export function config(of: Contents): Markup {
  const { unusedDoors, lists = [] } = of
  const unused =
    unusedDoors === undefined
      ? NOTHING
      : section(
          'unused',
          'Doors that nobody used',
          unusedDoors.length === 0 ? markup`<p>None: every door was used.</p>` : nameList('', unusedDoors),
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

function badge(text: string): Markup {
  return markup`<strong class="badge">${text}</strong>`
}

/** Where the report comes from, and what it does not know. */
export function origin(of: Contents): Markup {
  const items = [...problemsOf(of), ...of.notes].map((text) => markup`<li>${nameOf(text)}</li>`)
  return section('origin', 'Where this comes from', markup`<ul class="note">${joined(items)}</ul>`)
}
