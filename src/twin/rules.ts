import { standsIn } from './knocker.ts'
import type { Ran } from './orders.ts'
import { runAll } from './run-all.ts'

/** Runs a program to its end, on the machine or in the namespace of its copy. */
export type RunProgram = (argv: readonly string[], input?: string) => Promise<Ran>

/** The four kinds of iptables: legacy tables in the kernel, and tables in nftables. */
export const IPTABLES = ['iptables-nft', 'ip6tables-nft', 'iptables-legacy', 'ip6tables-legacy'] as const
export type Iptables = (typeof IPTABLES)[number]

/** The guard's table, which each daemon loads itself. */
const GUARD_TABLE = 'inet postern'

/** The rules in force. */
export interface Rules {
  /** The output of `nft -s list ruleset`, without remaining times and comments. */
  readonly nft: string
  /** The tables of nftables that belong neither to iptables nor to the guard. */
  readonly tables: readonly NftTable[]
  /** The output of each kind's `iptables-save` without comments and counters; empty without rules or program. */
  readonly saved: Readonly<Record<Iptables, string>>
  /** The output of `ipset save`; empty without ipset. */
  readonly sets: string
}

export interface NftTable {
  /** `inet filter` */
  readonly name: string
  readonly text: string
}

/** The most times that the rules are read, until they do not change between nft and iptables-save. */
const TAKES_MAX = 4

/** Reads the rules in force. Changes nothing. */
export async function takeRules(run: RunProgram): Promise<Rules> {
  let nft = await listRuleset(run)
  for (let take = 1; ; take++) {
    const { rules, after } = await takeAt(run, nft)
    if (after === nft || take === TAKES_MAX) return rules
    nft = after
  }
}

const LIST_RULESET = 'nft -s list ruleset'

async function listRuleset(run: RunProgram): Promise<string> {
  return withoutPassing((await run(LIST_RULESET.split(' '))).stdout)
}

/** Returns the rules with a ruleset that was listed just now, and the ruleset that is listed after all the rest. */
async function takeAt(run: RunProgram, nft: string): Promise<{ readonly rules: Rules; readonly after: string }> {
  const all = nftTables(nft)
  const saved: Record<Iptables, string> = { ...NONE_SAVED }
  const managed = new Set<string>()
  const isNeeded = (kind: Iptables): boolean =>
    !kind.endsWith('-nft') || all.some(({ name }) => name.startsWith(`${familyOf(kind)} `))
  const kinds = IPTABLES.filter(isNeeded)
  const programs = kinds.map((kind) => `${kind}-save`)
  const ran = await runAll(run, ['ipset save', ...programs, LIST_RULESET])
  const [sets, named] = [ran[0]!, ran.slice(1, -1)]
  const unnamed = kinds.filter((_, index) => named[index]!.code !== 0)
  const texts = new Map(kinds.map((kind, index) => [kind, named[index]!.stdout]))
  for (const kind of unnamed) texts.set(kind, await saveByPlainName(run, kind))
  const isLate = unnamed.some((kind) => texts.get(kind) !== '')
  const after = isLate ? await listRuleset(run) : withoutPassing(ran.at(-1)!.stdout)
  for (const [kind, output] of texts) {
    const family = familyOf(kind)
    const sections = sectionsOf(plainSave(output)).filter((section) => {
      if (!kind.endsWith('-nft')) return true
      const table = all.find(({ name }) => name === `${family} ${section.table}`)
      const isManaged = table !== undefined && tellsAll(section.text, table.text)
      if (isManaged) managed.add(table.name)
      return isManaged
    })
    saved[kind] = sections.map(({ text }) => text).join('')
  }
  const tables = all.filter(({ name }) => !managed.has(name) && name !== GUARD_TABLE)
  return { rules: { nft, tables, saved, sets: sets.code === 0 ? sets.stdout : '' }, after }
}

const familyOf = (kind: Iptables): 'ip' | 'ip6' => (kind.startsWith('ip6') ? 'ip6' : 'ip')

const NONE_SAVED: Readonly<Record<Iptables, string>> = {
  'iptables-nft': '',
  'ip6tables-nft': '',
  'iptables-legacy': '',
  'ip6tables-legacy': '',
}

/** Runs the system's `iptables-save` for `iptables-nft` if it is of that kind: there is no `iptables-nft-save`. */
async function saveByPlainName(run: RunProgram, kind: Iptables): Promise<string> {
  const [program = '', variant] = kind.split('-')
  const { stdout } = await run([program, '--version'])
  const isNft = stdout.includes('nf_tables')
  if (stdout === '' || isNft !== (variant === 'nft')) return ''
  return (await run([`${program}-save`])).stdout
}

/** Loads the rules of a kind that {@link takeRules} saved. */
export async function restore(run: RunProgram, kind: Iptables, text: string): Promise<Ran> {
  const named = await run([`${kind}-restore`], text)
  if (named.code !== null) return named
  return await run([`${kind.split('-')[0]}-restore`], text)
}

function plainSave(text: string): string {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return lines.map((line) => `${line.replace(/^(:\S+ \S+) \[\d+:\d+\]/, '$1 [0:0]')}\n`).join('')
}

/** Removes warnings and the remaining times of elements, which are not rules. */
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

/** Returns the tables of an `iptables-save` output in the order of their names. */
function sectionsOf(saved: string): readonly SavedTable[] {
  const sections = [...saved.matchAll(/^\*(\S+)\n[\s\S]*?^COMMIT\n/gm)]
  return sections
    .map(([text, table = '']) => ({ table, text }))
    .toSorted((one, other) => (one.table < other.table ? -1 : 1))
}

/**
 * Returns true if iptables lists a table of nftables in full: its chains, and as many rules. Of a table that nft made,
 * iptables lists only the rules that it understands, and adds chains of its own.
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
 * Returns the tables of an `nft list ruleset` output: from `table …` to the `}` at the beginning of a line. The owner
 * flag is removed: with it the table would be deleted when the nft that loads it ends.
 */
export function nftTables(text: string): readonly NftTable[] {
  return [...text.matchAll(/^table (\S+ \S+) \{[^\n]*\n[\s\S]*?^\}/gm)].map(([all, name = '']) => ({
    name,
    text: all.replace(/ # progname .*/, '').replace(/^\tflags owner(,persist)?\n/m, ''),
  }))
}

/**
 * Returns the first line in which two states of the rules differ; `undefined` if they are equal. Openings are ignored,
 * because they come and go: elements with a time limit, and all elements of the guard's sets.
 *
 * @param sources the addresses that a daemon lets in by commands; lines that name one are ignored
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

/** A line of the rules, with its table or program. */
export interface RuleLine {
  /** `iptables`, `ip6tables-legacy` or `table inet filter`. */
  readonly where: string
  readonly text: string
}

/** Returns every line of the rules, without the guard's table and without chains of iptables whose policy accepts. */
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

/** Returns the rules as text, in which ports and addresses are looked up. */
export function rulesTextOf(rules: Rules): string {
  return [rules.nft, ...ruleLines(rules).map(({ text }) => text)].join('\n')
}

/** Returns the rules without elements that packets add to sets: rules may note every source that tries a port. */
export function withoutNoted(rules: Rules): Rules {
  return { ...rules, tables: rules.tables.map(({ name, text }) => ({ name, text: withoutNotedIn(text) })) }
}

function withoutNotedIn(table: string): string {
  const noted = new Set([...table.matchAll(/ (?:add|update) @(\S+) \{/g)].map(([, set]) => set))
  return table.replaceAll(/^\t(?:set|map) (\S+) \{\n[\s\S]*?^\t\}/gm, (all, set: string) =>
    noted.has(set) ? all.replaceAll(ELEMENTS, '') : all,
  )
}

/** Returns the lines of `one` that are missing in `other`; duplicates count. */
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
