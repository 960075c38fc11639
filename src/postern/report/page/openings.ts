import { markup } from '../../../publish/page/markup.ts'
import type { Markup } from '../../../publish/page/markup.ts'
import { OPENINGS_LISTED_MAX } from '../contents.ts'
import type { Contents } from '../contents.ts'
import type { Opening } from '../openings.ts'
import { openingBy } from '../sentences.ts'
import { lengthText, manyText, numberText, timeText } from '../times.ts'
import { NOTHING, nameList, rest, section, sourceOf } from './parts.ts'
import { laneOf } from './pictures.ts'
import type { Axis } from './pictures.ts'
import { foldedTable, joined, nameOf, tableOf } from './table.ts'

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
  const columns = [
    { name: 'Time', isTime: true },
    { name: 'Open for' },
    { name: 'Door' },
    { name: 'By' },
    { name: 'From' },
  ] as const
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
    { name: 'Last', isTime: true },
    { name: 'Door' },
    { name: 'From' },
    { name: 'Openings', isNumber: true },
  ] as const
  return section(
    'users',
    'When each user last came',
    markup`${rows.length === 0 ? NOTHING : foldedTable('Users, the last one first', columns, rows)}${rest(of.users, 'user')}${nameList('Did not come', of.absentUsers)}`,
  )
}
