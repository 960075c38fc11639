import { IPTABLES } from './rules.ts'
import type { Rules } from './rules.ts'

/** A chain of a table, with its rules as iptables-save or nft writes them. */
export interface Chain {
  /** `iptables`, `ip6tables-legacy` or `table inet filter`. */
  readonly where: string
  /** Of iptables: `filter`, `nat`, `raw`. Empty for nftables, whose `where` names it. */
  readonly table: string
  readonly name: string
  /** `input`, `prerouting`: where the kernel enters it; `undefined`: only by a jump. */
  readonly hook: string | undefined
  /** Whether what no rule judges is dropped. */
  readonly drops: boolean
  readonly rules: readonly string[]
}

const BUILT_IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** All chains of the rules, table by table. */
export function chainsIn({ saved, tables }: Pick<Rules, 'saved' | 'tables'>): readonly Chain[] {
  const ofIptables = IPTABLES.flatMap((kind) =>
    [...saved[kind].matchAll(/^\*(\S+)\n([\s\S]*?)^COMMIT$/gm)].flatMap(([, table = '', body = '']) => {
      const lines = body.split('\n')
      return [...body.matchAll(/^:(\S+) (\S+)/gm)].map(([, name = '', policy]): Chain => {
        const rules = lines.filter((line) => line.startsWith(`-A ${name} `))
        const hook = BUILT_IN.has(name) ? name.toLowerCase() : undefined
        return { where: kind.replace('-nft', ''), table, name, hook, drops: policy === 'DROP', rules }
      })
    }),
  )
  const ofNft = tables.flatMap(({ name: table, text }) =>
    [...text.matchAll(/^\tchain (\S+) \{\n([\s\S]*?)^\t\}/gm)].map(([, name = '', body = '']): Chain => {
      const all = body.split('\n').map((line) => line.trim())
      const lines = all[0]?.startsWith('comment ') === true ? all.slice(1) : all
      const hook = /^type \S+ hook (\S+)/.exec(lines[0] ?? '')?.[1]
      const rules = lines.slice(hook === undefined ? 0 : 1).filter((line) => line !== '')
      const drops = hook !== undefined && lines[0]!.includes('policy drop')
      return { where: `table ${table}`, table: '', name, hook, drops, rules }
    }),
  )
  return [...ofIptables, ...ofNft]
}

/** The chain that a rule sends packets to, if it is one of the table's own. */
export function jumpOf(rule: string): string | undefined {
  return (/ (?:-j|-g) (\S+)/.exec(rule) ?? /\b(?:jump|goto) (\S+)$/.exec(rule))?.[1]
}

/** The rules that jump to a chain, each with the chain that it is in. */
export function jumpsTo(chain: Chain, chains: readonly Chain[]): readonly { chain: Chain; rule: string }[] {
  return chains
    .filter(({ where, table }) => where === chain.where && table === chain.table)
    .flatMap((from) => from.rules.filter((rule) => jumpOf(rule) === chain.name).map((rule) => ({ chain: from, rule })))
}

/** The hooks from which packets come to a chain. A table's jumps form no loops, which the kernel sees to. */
export function hooksOf(chain: Chain, chains: readonly Chain[]): readonly string[] {
  if (chain.hook !== undefined) return [chain.hook]
  return [...new Set(jumpsTo(chain, chains).flatMap(({ chain: from }) => hooksOf(from, chains)))]
}

/** The same for a chain that is known by its name; there may be one in each table of iptables. */
export function hooksAt(
  { where, chain }: { readonly where: string; readonly chain: string },
  rules: Pick<Rules, 'saved' | 'tables'>,
): readonly string[] {
  const chains = chainsIn(rules)
  const its = chains.filter((each) => each.where === where && each.name === chain)
  return [...new Set(its.flatMap((each) => hooksOf(each, chains)))]
}
