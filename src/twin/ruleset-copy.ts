import { counted } from '../text/counted.ts'
import { IPTABLES, firstDifference, restore } from './rules.ts'
import type { Rules, RunProgram } from './rules.ts'
import { takeRules } from './rules.ts'

/** The result of copying the machine's rules. */
export interface Copied {
  /** The number of rules by kind: `iptables 7 rules, nft 2 tables`, or `it has none`. */
  readonly summary: string
  /** The rules that could not be copied, with the reason. */
  readonly faults: readonly string[]
}

/**
 * Loads rules in place of those of the same tables. Tables that iptables keeps in nftables are loaded by iptables: nft
 * cannot read back the matches of iptables that it prints.
 */
export async function copyRules(rules: Rules, run: RunProgram): Promise<Copied> {
  const faults: string[] = []
  const failed = (what: string, stderr: string): void => {
    const reason = stderr.split('\n').find((line) => line.trim() !== '' && !line.startsWith('#')) ?? 'no reason given'
    faults.push(`${what}: ${reason.trim()}`)
  }
  if (rules.sets !== '') {
    const { code, stderr } = await run(['ipset', '-exist', 'restore'], rules.sets)
    if (code !== 0) failed('ipset', stderr)
  }
  for (const kind of IPTABLES) {
    if (rules.saved[kind] === '') continue
    const { code, stderr } = await restore(run, kind, rules.saved[kind])
    if (code !== 0) failed(kind.replace('-nft', ''), stderr)
  }
  // A table names only its own sets and chains, so each can be loaded by itself.
  for (const { name, text } of rules.tables) {
    const { code, stderr } = await run(['nft', '-f', '-'], `add table ${name}\ndelete table ${name}\n${text}\n`)
    if (code !== 0) failed(`table ${name}`, stderr)
  }
  if (faults.length === 0) {
    const difference = firstDifference(withoutGuard(rules), withoutGuard(await takeRules(run)))
    if (difference !== undefined) faults.push(`not the same after copying: ${difference}`)
  }
  return { summary: summaryOf(rules), faults }
}

/** Returns the rules for a comparison: without the guard, and with tables by name because their order may differ. */
function withoutGuard(rules: Rules): Rules {
  const sorted = rules.tables.toSorted((one, other) => (one.name < other.name ? -1 : 1))
  return { ...rules, tables: sorted, nft: sorted.map(({ text }) => text).join('\n') }
}

function summaryOf({ tables, saved }: Rules): string {
  const parts = IPTABLES.flatMap((kind) => {
    const count = saved[kind].split('\n').filter((line) => line.startsWith('-A')).length
    return count === 0 ? [] : [`${kind.replace('-nft', '')} ${counted(count, 'rule')}`]
  })
  if (tables.length > 0) parts.push(`nft ${counted(tables.length, 'table')}`)
  return parts.length === 0 ? 'it has none' : parts.join(', ')
}
