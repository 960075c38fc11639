import { IPTABLES } from '../rules.ts'
import type { Rules } from '../rules.ts'

/** A chain of a table, with its rules as iptables-save or nft writes them. */
export interface Chain {
  /** `iptables`, `ip6tables-legacy` or `table inet filter`. */
  readonly where: string
  /** The table of iptables: `filter`, `nat`, `raw`. Empty for nftables, whose table is in `where`. */
  readonly table: string
  readonly name: string
  /** The hook at which the kernel enters the chain, as `input`; `undefined` if only jumps lead to it. */
  readonly hook: string | undefined
  /** True if the chain's policy is to drop. */
  readonly drops: boolean
  readonly rules: readonly string[]
}

const BUILT_IN: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** Returns all chains of the rules, table by table. */
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

/** Returns the target of a rule's jump. It is a chain, or a built-in target as `ACCEPT`. */
export function jumpOf(rule: string): string | undefined {
  return (/ (?:-j|-g) (\S+)/.exec(rule) ?? /\b(?:jump|goto) (\S+)$/.exec(rule))?.[1]
}

/** Returns the rules that jump to a chain, each with the chain that it is in. */
export function jumpsTo(chain: Chain, chains: readonly Chain[]): readonly { chain: Chain; rule: string }[] {
  return chains
    .filter(({ where, table }) => where === chain.where && table === chain.table)
    .flatMap((from) => from.rules.filter((rule) => jumpOf(rule) === chain.name).map((rule) => ({ chain: from, rule })))
}

/** Returns the hooks from which packets come to a chain. The kernel refuses jumps that form loops. */
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
