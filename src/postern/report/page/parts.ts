import { Markup, markup } from '../../../publish/page/markup.ts'
import type { Rows } from '../contents.ts'
import { manyText, numberText } from '../times.ts'
import { joined, nameOf } from './table.ts'

/** An empty markup. */
export const NOTHING = new Markup('')

/** The most names of a list. */
const NAMES_MAX = 200

/** Returns a section with a heading. */
export function section(id: string, title: string, content: Markup): Markup {
  return markup`<section class="card" aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${content}</section>`
}

/** Lists names below a title, if there are any. */
export function nameList(title: string, list: readonly string[] | undefined): Markup {
  if (list === undefined || list.length === 0) return NOTHING
  const items = list.slice(0, NAMES_MAX).map((name) => markup`<li>${nameOf(name)}</li>`)
  const more = list.length - items.length
  return markup`${title === '' ? NOTHING : markup`<h3>${title}</h3>`}<ul class="names">${joined(items)}</ul>${more > 0 ? markup`<p class="note">and ${numberText(more)} more</p>` : NOTHING}`
}

/** Says how many rows are left out. */
export function rest({ more, isCut }: Rows<unknown>, noun: string): Markup {
  if (isCut)
    return markup`<p class="note">And more: there were too many ${noun}s to count, so those that came seldom are missing.</p>`
  return more === 0 ? NOTHING : markup`<p class="note">And ${manyText(more, `more ${noun}`)}.</p>`
}

/** Returns an address and its host name. */
export function sourceOf({
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
