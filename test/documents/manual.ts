import { readFileSync, readdirSync } from 'node:fs'

const FOLDER = new URL('../../man/', import.meta.url)

/** The manual pages, as in `postern.8`. */
export const PAGES: readonly string[] = readdirSync(FOLDER)

/** Returns the source of a manual page. */
export function page(name: string): string {
  return readFileSync(new URL(name, FOLDER), 'utf8')
}

/** Returns the lines of a section of a page; empty: the page has no such section. */
export function section(manual: string, name: string): string {
  return new RegExp(`^\\.SH ${name}\\n([^]*?)(?=^\\.SH|(?![^]))`, 'm').exec(manual)?.[1] ?? ''
}

/** Returns roff without macros, fonts and escapes. */
export function plain(text: string): string {
  return text
    .replaceAll(/^\.[BIR]+ /gm, '')
    .replaceAll('\\-', '-')
    .replaceAll('\\(aq', "'")
    .replaceAll('\\(dq', '"')
    .replaceAll('\\e', '\\')
    .replaceAll(/\\f./g, '')
}

/** An entry of a list: its heading, and the text under it, both plain and in one line. */
export interface Item {
  readonly heading: string
  readonly text: string
}

/** Returns the entries of the lists in a text (`.TP`). */
export function itemsIn(text: string): readonly Item[] {
  return text
    .split(/^\.TP\n/m)
    .slice(1)
    .map((entry) => {
      const [heading = '', ...lines] = entry.split(/^\.(?:SH|SS|RE|PP)\b/m)[0]!.split('\n')
      return { heading: plain(heading).replaceAll('"', ''), text: plain(lines.join('\n')).replaceAll('\n', ' ').trim() }
    })
}

/** Returns the lines of the examples of a page, as they are typed (`.EX` or `.nf`). */
export function examplesIn(manual: string): readonly string[] {
  return [...manual.matchAll(/^\.(?:EX|nf)\n([^]*?)^\.(?:EE|fi)$/gm)].flatMap(([, lines = '']) =>
    plain(lines).trimEnd().split('\n'),
  )
}
