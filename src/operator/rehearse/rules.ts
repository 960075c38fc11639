import { standsIn } from './knocker.ts'
import type { Ran } from './orders.ts'

/** Runs a program to its end, on the machine or in the namespace of its copy. */
export type RunProgram = (argv: readonly string[], input?: string) => Promise<Ran>

/** The four kinds of tables that iptables has: its own in the kernel, and those that it keeps in nftables. */
export const IPTABLES = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'] as const
export type Iptables = (typeof IPTABLES)[number]

/** The guard's table, which each daemon makes for itself. */
const GUARD_TABLE = 'inet postern'

/** The rules in force. */
export interface Rules {
  /** `nft -s list ruleset`, to the byte but for what counts and passes by itself. */
  readonly nft: string
  /** The tables in it that are no business of iptables', one text each. */
  readonly tables: readonly NftTable[]
  /** What `iptables-save` of each kind prints, without comments and counters; empty where it has none, or is not there. */
  readonly saved: Readonly<Record<Iptables, string>>
  /** `ipset save`; empty without ipset. */
  readonly sets: string
}

export interface NftTable {
  /** `inet filter` */
  readonly name: string
  readonly text: string
}

/** Times the rules are read again because somebody changed them meanwhile: nft and iptables-save have to tell the same. */
const TAKES_MAX = 4

/** Reads the rules in force. Changes nothing. */
export async function takeRules(run: RunProgram): Promise<Rules> {
  let nft = await listRuleset(run)
  for (let take = 1; ; take++) {
    const rules = await takeAt(run, nft)
    const after = await listRuleset(run)
    if (after === nft || take === TAKES_MAX) return rules
    nft = after
  }
}

async function listRuleset(run: RunProgram): Promise<string> {
  return withoutPassing((await run(['nft', '-s', 'list', 'ruleset'])).stdout)
}

async function takeAt(run: RunProgram, nft: string): Promise<Rules> {
  const all = nftTables(nft)
  const saved: Record<Iptables, string> = { ...NONE_SAVED }
  const managed = new Set<string>()
  for (const kind of IPTABLES) {
    const family = kind.startsWith('ip6') ? 'ip6' : 'ip'
    const sections = sectionsOf(await save(run, kind)).filter((section) => {
      if (!kind.endsWith('-nft')) return true
      const table = all.find(({ name }) => name === `${family} ${section.table}`)
      const isManaged = table !== undefined && tellsAll(section.text, table.text)
      if (isManaged) managed.add(table.name)
      return isManaged
    })
    saved[kind] = sections.map(({ text }) => text).join('')
  }
  const tables = all.filter(({ name }) => !managed.has(name) && name !== GUARD_TABLE)
  const { code, stdout: sets } = await run(['ipset', 'save'])
  return { nft, tables, saved, sets: code === 0 ? sets : '' }
}

const NONE_SAVED: Readonly<Record<Iptables, string>> = {
  'iptables-nft': '',
  'ip6tables-nft': '',
  'iptables-legacy': '',
  'ip6tables-legacy': '',
}

/** `iptables-nft` → `iptables-nft-save`, or the system's `iptables-save` if that is of the kind. */
async function save(run: RunProgram, kind: Iptables): Promise<string> {
  const named = await run([`${kind}-save`])
  if (named.code === 0) return plainSave(named.stdout)
  const [program = '', variant] = kind.split('-')
  const { stdout } = await run([program, '--version'])
  const isNft = stdout.includes('nf_tables')
  if (stdout === '' || isNft !== (variant === 'nft')) return ''
  return plainSave((await run([`${program}-save`])).stdout)
}

/** How to load what {@link takeRules} saved of a kind. */
export async function restore(run: RunProgram, kind: Iptables, text: string): Promise<Ran> {
  const named = await run([`${kind}-restore`], text)
  if (named.code !== null) return named
  return await run([`${kind.split('-')[0]}-restore`], text)
}

function plainSave(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => `${line.replace(/^(:\S+ \S+) \[\d+:\d+\]/, '$1 [0:0]')}\n`).join('')
}

/** Seconds that elements still have, and warnings, are no rules. */
function withoutPassing(text: string): string {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .replaceAll(/ expires [0-9a-z]+/g, '')
}

interface SavedTable {
  readonly table: string
  readonly text: string
}

/** The tables in what iptables-save prints, by name: it has them in whatever order they were made. */
function sectionsOf(saved: string): readonly SavedTable[] {
  const sections = [...saved.matchAll(/^\*(\S+)\n[\s\S]*?^COMMIT\n/gm)]
  return sections
    .map(([text, table = '']) => ({ table, text }))
    .toSorted((one, other) => (one.table < other.table ? -1 : 1))
}

/**
 * Whether iptables tells all of a table of nftables: its chains, and as many rules. Of a table that nft made it tells
 * what it understands, and adds chains of its own.
 */
function tellsAll(saved: string, table: string): boolean {
  const chains = [...table.matchAll(/^\tchain (\S+) \{\n([\s\S]*?)^\t\}/gm)]
  if (chains.length === 0 || /^\t(?:set|map|flowtable) /m.test(table)) return false
  const rules = chains.flatMap(([, , body = '']) =>
    body.split('\n').filter((line) => line.trim() !== '' && !/^\t\ttype .* hook /.test(line)),
  )
  const known = chains.every(([, name = '']) => saved.includes(`\n:${name} `))
  return known && rules.length === saved.split('\n').filter((line) => line.startsWith('-A')).length
}

/**
 * The tables in what `nft list ruleset` prints: from `table …` to the `}` at the beginning of a line. That one has an owner
 * is left out: it would go with the nft that loads it.
 */
export function nftTables(text: string): readonly NftTable[] {
  return [...text.matchAll(/^table (\S+ \S+) \{[^\n]*\n[\s\S]*?^\}/gm)].map(([all, name = '']) => ({
    name,
    text: all.replace(/ # progname .*/, '').replace(/^\tflags owner(,persist)?\n/m, ''),
  }))
}

/**
 * Whether the same rules are in force, byte by byte, and if not, the first line that differs. What is open comes and goes
 * by itself, and counts for nothing: elements that have a time limit, and what else the guard's sets hold.
 *
 * @param sources addresses that a daemon lets in by its commands: lines that name one come and go as well
 */
export function firstDifference(before: Rules, after: Rules, sources: readonly string[] = []): string | undefined {
  const [one, other] = [before, after].map((rules) =>
    withoutOpenings(wholeText(rules))
      .split('\n')
      .filter((line) => !sources.some((source) => standsIn(line, source))),
  ) as [string[], string[]]
  const at = one.findIndex((line, index) => line !== other[index])
  if (at >= 0) return one[at]!.trim() || other[at]?.trim() || 'an empty line'
  return one.length === other.length ? undefined : other[one.length]!.trim()
}

function withoutOpenings(text: string): string {
  return text
    .replace(new RegExp(`^table ${GUARD_TABLE} \\{\n[\\s\\S]*?^\\}`, 'm'), (guard) => guard.replaceAll(ELEMENTS, ''))
    .replaceAll(ELEMENTS, (elements) => (/ timeout \d/.test(elements) ? '' : elements))
    .replaceAll(/^add \S+ \S+ timeout \d+.*\n/gm, '')
}

const ELEMENTS = /^\t\telements = \{[^}]*\}\n/gm

function wholeText({ nft, saved, sets }: Rules): string {
  return [nft, ...IPTABLES.map((kind) => saved[kind]), sets].join('\n')
}

/** A rule or element that one has and the other has not, with what it is in. */
export interface RuleLine {
  /** `iptables`, `ip6tables-legacy` or `table inet filter`. */
  readonly where: string
  readonly text: string
}

/** Every line of the rules, each with what it is in; nftables' tables without the guard's, iptables' chains without those that are always there. */
export function ruleLines({ tables, saved }: Rules): readonly RuleLine[] {
  const ofIptables = IPTABLES.flatMap((kind) =>
    saved[kind]
      .split('\n')
      .flatMap((text) => (/^(-A|:\S+ (?!ACCEPT))/.test(text) ? [{ where: kind.replace('-nft', ''), text }] : [])),
  )
  const ofNft = tables.flatMap(({ name, text }) =>
    text.split('\n').map((line) => ({ where: `table ${name}`, text: line.trim() })),
  )
  return [...ofIptables, ...ofNft.filter(({ text }) => text !== '' && text !== '}')]
}

/** The rules in which ports and addresses are looked up. */
export function rulesTextOf(rules: Rules): string {
  return [rules.nft, ...ruleLines(rules).map(({ text }) => text)].join('\n')
}

/** The lines of `one` that `other` has not, duplicates counted. */
export function linesOnlyIn(one: Rules, other: Rules): readonly RuleLine[] {
  const left = new Map<string, number>()
  for (const line of ruleLines(other)) left.set(keyOf(line), (left.get(keyOf(line)) ?? 0) + 1)
  return ruleLines(one).filter((line) => {
    const count = left.get(keyOf(line)) ?? 0
    left.set(keyOf(line), count - 1)
    return count <= 0
  })
}

function keyOf({ where, text }: RuleLine): string {
  return `${where} ${text}`
}
