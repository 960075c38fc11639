import { markup } from '../../../publish/page/markup.ts'
import type { Markup } from '../../../publish/page/markup.ts'
import { NETWORKS_ARE } from '../contents.ts'
import type { Contents, ReasonRow } from '../contents.ts'
import { numberText, timeText } from '../times.ts'
import { NOTHING, rest, section, sourceOf } from './parts.ts'
import { shareOf } from './pictures.ts'
import { foldedTable, joined, nameOf } from './table.ts'

/** The most users, and the most sources, that a row names. */
const NAMED_MAX = 3

/** Knocks that failed, by reason and by source. */
export function failures(of: Contents): Markup {
  if (of.failures === 0) return section('failures', 'Knocks that failed', markup`<p>None.</p>`)
  const [most] = of.reasons.rows
  const reasons = of.reasons.rows.map((row) => [
    markup`${row.why}`,
    row.door === undefined ? 'none named' : nameOf(row.door),
    markup`${numberText(row.count)}${shareOf(row.count, most!.count)}`,
    whoOf(row),
    timeText(row.last),
  ])
  const reasonColumns = [
    { name: 'Why' },
    { name: 'Door' },
    { name: 'Times', isNumber: true },
    { name: 'Who' },
    { name: 'Last', isTime: true },
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
    { name: 'Last', isTime: true },
  ] as const
  return section(
    'failures',
    'Knocks that failed, and why',
    markup`${foldedTable('Failed knocks by reason', reasonColumns, reasons)}${rest(of.reasons, 'reason')}
<details><summary>By source</summary>${foldedTable('Failed knocks by source', sourceColumns, sources)}${rest(of.sources, 'source')}</details>`,
  )
}

function few(names: readonly string[], isMore: boolean): Markup {
  const shown = joined(names.slice(0, NAMED_MAX).map(nameOf), ', ')
  const more = names.length - NAMED_MAX
  return isMore || more > 0 ? markup`${shown} and ${isMore ? 'others' : `${more} more`}` : shown
}

/** Names the users and the sources of failed knocks, a few of each. */
function whoOf({ users: of, isMoreUsers, sources, isMoreSources }: ReasonRow): Markup {
  if (of.length === 0 && sources.length === 0) return markup`not known`
  const from = sources.length === 0 ? NOTHING : markup`<span class="note">from ${few(sources, isMoreSources)}</span>`
  return of.length === 0 ? from : markup`${few(of, isMoreUsers)} ${from}`
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
    { name: 'First', isTime: true },
    { name: 'Last', isTime: true },
  ] as const
  return section(
    'scans',
    'Port scans by network',
    markup`<p class="note">The ${NETWORKS_ARE}. A source address of a scan can be forged.</p>${foldedTable('Port scans by network', columns, rows)}${rest(of.networks, 'network')}`,
  )
}
