import { page } from './manual.ts'

/** Returns the text of a manual page, with plain dashes. */
export function manualPage(name: string): string {
  return page(name).replaceAll('\\-', '-')
}

/**
 * Returns the text under each heading of a tagged paragraph, without macros, by the name in the heading.
 *
 * @param heading finds the name, as its first group; headings without one have an empty name
 */
export function entriesOf(manual: string, heading: RegExp): ReadonlyMap<string, string> {
  return new Map(
    manual
      .split(/^\.TP\n/m)
      .slice(1)
      .map((entry) => {
        const [first = '', ...text] = entry.split(/^\.SH/m)[0]!.split('\n')
        return [heading.exec(first)?.[1] ?? '', text.map((line) => line.replace(/^\.[A-Z]+ /, '')).join(' ')] as const
      }),
  )
}
