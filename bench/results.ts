import { readFileSync, readdirSync } from 'node:fs'
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

/** The table for the README stands between these lines, there and in a file of results. */
const MARKERS = ['<!-- script/bench -->', '<!-- script/bench ends -->'] as const
const BLOCK = new RegExp(`${MARKERS[0]}\\n([\\s\\S]*?)${MARKERS[1]}\\n`)

/** The rows of the README's table. */
const BRIEFS: Readonly<Record<Brief, string>> = {
  command: 'Last knock to `connect()`, opened by `iptables`',
  native: "Last knock to `connect()`, opened by Postern's own nftables table",
  packet: "fwknop's single packet to `connect()`",
  flood: 'An honest knock amid 30,000 first knocks a second of others',
}

/** Returns a file of results. @throws Error if a row of the README's table is missing */
export function resultsText(rows: readonly MergedRow[], facts: Facts): string {
  const { date, lines, runs, quick, longestS } = facts
  const took = `${runs} ${runs === 1 ? 'run' : 'runs'}${quick ? ' with --quick' : ''}, the longest ${longestS.toFixed(0)} s`
  const said = [...lines, took].map((line) => `- ${line}\n`).join('')
  const how = 'A figure of several values is their median (smallest..largest). A ratio is of figures of the same run.'
  return `# Bench of ${date}\n\n${said}\n${how}\n\n${MARKERS[0]}\n${briefText(rows, facts)}${MARKERS[1]}\n\n${tableMarkdown(rows)}`
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

/** Returns the path of the newest file of results. @throws Error if no file has any */
export function newestResults(folder: string): string {
  const newest = readdirSync(folder)
    .filter((name) => /^\d{4}-\d\d-\d\d\.md$/.test(name))
    .toSorted()
    .at(-1)
  if (newest === undefined) throw new Error(`${folder} has no results\nmake some: sudo script/bench --write`)
  return join(folder, newest)
}

/** Returns the README with the table of a file of results. @throws Error if one of the two has no place for it */
export function withTable(readme: string, results: string): string {
  const block = blockIn(results, 'the results')
  blockIn(readme, 'the README')
  return readme.replace(BLOCK, () => block)
}

function blockIn(text: string, what: string): string {
  const [block] = BLOCK.exec(text) ?? []
  if (block === undefined) throw new Error(`${what}: there are no lines ${MARKERS.join(' and ')}`)
  return block
}

/** Returns the README as it should be by the newest results. */
export function renewedReadme(project: string): string {
  const results = readFileSync(newestResults(join(project, 'bench', 'results')), 'utf8')
  return withTable(readFileSync(join(project, 'README.md'), 'utf8'), results)
}
