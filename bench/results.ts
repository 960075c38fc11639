import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Brief, MergedRow } from './row.ts'
import { markdown, tableMarkdown, withPeer } from './table.ts'

/** The machine, the peers and the options of a run. */
export interface Facts {
  /** The day, as 2026-11-22. */
  readonly date: string
  /** A line each: Postern, the machine, the peers. */
  readonly lines: readonly string[]
  readonly runs: number
  readonly quick: boolean
  /** Seconds that the longest run took. */
  readonly longestS: number
}

/** A document with a table of results. It stands between two lines, there and in a file of results. */
export interface Place {
  /** The document's path in the project. */
  readonly file: string
  /** The words of the two lines, and the beginning of the names of its files of results. */
  readonly marker: string
  readonly prefix: string
  /** Returns the table. @throws Error if a row of it is missing */
  readonly text: (rows: readonly MergedRow[], facts: Facts) => string
}

export const README: Place = { file: 'README.md', marker: 'script/bench', prefix: '', text: briefText }

function markersOf({ marker }: Place): readonly [string, string] {
  return [`<!-- ${marker} -->`, `<!-- ${marker} ends -->`]
}

/** Writes a file of results, and the document's table. */
export function writeResults(project: string, rows: readonly MergedRow[], facts: Facts, place: Place): void {
  const folder = join(project, 'bench', 'results')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, `${place.prefix}${facts.date}.md`), resultsText(rows, facts, place))
  renew(project, place)
}

/** Writes the table of the newest results into the document. */
export function renew(project: string, place: Place): void {
  writeFileSync(join(project, place.file), renewed(project, place))
}

/** The rows of the README's table. */
const BRIEFS: Readonly<Record<Brief, string>> = {
  command: 'Last knock to `connect()`, opened by `iptables`',
  native: "Last knock to `connect()`, opened by Postern's own nftables table",
  packet: "fwknop's single packet to `connect()`",
  flood: 'An honest knock amid 30,000 first knocks a second of others',
}

/** Returns a file of results. @throws Error if a row of the document's table is missing */
export function resultsText(rows: readonly MergedRow[], facts: Facts, place = README): string {
  const { date, lines, runs, quick, longestS } = facts
  const took = `${runs} ${runs === 1 ? 'run' : 'runs'}${quick ? ' with --quick' : ''}, the longest ${longestS.toFixed(0)} s`
  const said = [...lines, took].map((line) => `- ${line}\n`).join('')
  const [begin, end] = markersOf(place)
  const how = 'A figure of several values is their median (smallest..largest). A ratio is of figures of the same run.'
  return `# Bench of ${date}\n\n${said}\n${how}\n\n${begin}\n${place.text(rows, facts)}${end}\n\n${tableMarkdown(rows)}`
}

function briefText(rows: readonly MergedRow[], { date, lines, runs }: Facts): string {
  const body = (Object.keys(BRIEFS) as readonly Brief[]).map((brief) => {
    const row = rows.find((each) => each.brief === brief)
    if (row === undefined) throw new Error(`no measure has the row of the README on: ${BRIEFS[brief]}`)
    const { ours, theirs, peer, ratio } = row
    return [BRIEFS[brief], String(ours ?? '-'), withPeer(theirs, peer), String(ratio ?? '-')]
  })
  const table = markdown([['', 'Postern', 'compared with', 'ratio'], ...body])
  const when = `${runs === 1 ? 'One run' : `${runs} runs`} of \`script/bench\` on ${date}, median (smallest..largest).`
  return `${table}\n${when}\n${lines.join('. ')}.\nAll figures: \`bench/results/${date}.md\`.\n`
}

/** Returns the path of the newest file of results. @throws Error if the folder has no such file */
export function newestResults(folder: string, prefix = ''): string {
  const newest = readdirSync(folder)
    .filter((name) => name.startsWith(prefix) && /^\d{4}-\d\d-\d\d\.md$/.test(name.slice(prefix.length)))
    .toSorted()
    .at(-1)
  if (newest === undefined) throw new Error(`${folder} has no results\nmake some: sudo script/bench --write`)
  return join(folder, newest)
}

/** Returns a document with the table of a file of results. @throws Error if one of the two has no place for it */
export function withTable(document: string, results: string, place = README): string {
  const block = blockIn(results, 'the results', place)
  return document.replace(blockIn(document, place.file, place), () => block)
}

function blockIn(text: string, what: string, place: Place): string {
  const [begin, end] = markersOf(place)
  const [block] = new RegExp(`${begin}\\n([\\s\\S]*?)${end}\\n`).exec(text) ?? []
  if (block === undefined) throw new Error(`${what}: there are no lines ${begin} and ${end}`)
  return block
}

/** Returns a document as it should be by the newest results. */
export function renewed(project: string, place: Place): string {
  const results = readFileSync(newestResults(join(project, 'bench', 'results'), place.prefix), 'utf8')
  return withTable(readFileSync(join(project, place.file), 'utf8'), results, place)
}
