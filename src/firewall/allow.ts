import { BASE_TABLE } from './base/ruleset.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import type { Port, Remedy } from '../remedy/remedies.ts'

/** The rule or chain policy that drops or rejects a packet. */
export interface Taker {
  /** The program or table: `iptables`, `ip6tables-legacy` or `table inet filter`. */
  readonly where: string
  readonly chain: string
  /** The rule as iptables-save or nft writes it, or an iptables policy like `-P INPUT DROP`. */
  readonly rule: string
}

/** The rules in force. */
export interface InForce {
  /** The output of each `iptables-save`, by program: `iptables-nft`, `ip6tables-legacy`. */
  readonly saved: Readonly<Record<string, string>>
  readonly tables: readonly { readonly name: string; readonly text: string }[]
  /** Returns the hooks whose packets reach a chain. `undefined`: they are unknown. */
  readonly hooksOf?: (taker: Taker) => readonly string[]
  /** The interface at which packets of unknown sources arrive. */
  readonly link: string
  /** The remedy that makes a base ruleset for the config. */
  readonly applyBase: Remedy
}

const FIREWALLD = 'table inet firewalld'
const BASE = `table ${BASE_TABLE}`

/**
 * Returns the command that lets packets to a native door's port pass the firewall that drops them. The command is that
 * of the firewall's owner, at the right place. Returns `undefined` if there is no safe command.
 */
export function allowing(port: Port, taker: Taker, rules: InForce): Remedy | undefined {
  if (taker.where === BASE) return rules.applyBase
  if (taker.where === FIREWALLD) return REMEDIES.allowFirewalld(port, zoneOf(rules))
  const table = /^table (.*)$/.exec(taker.where)?.[1]
  return table === undefined ? byIptables(port, taker, rules) : byNft(port, table, taker, rules)
}

/** Returns the command that allows answers of one port, and nothing else, in the chain that drops them. */
export function answering(port: Port, { where, chain }: Taker): Remedy {
  const table = /^table (.*)$/.exec(where)?.[1]
  return table === undefined ? REMEDIES.answerIptables(where, chain, port) : REMEDIES.answerNft(table, chain, port)
}

function byIptables(port: Port, taker: Taker, rules: InForce): Remedy | undefined {
  const { where, chain, rule } = taker
  const { saved } = rules
  const kind = saved[where] === undefined ? where.replace(/^ip6?tables$/, '$&-nft') : where
  const text = saved[kind] ?? ''
  const table = sectionWith(text, rule)
  if (table !== undefined && table !== 'filter') return undefined
  if (chain === 'FORWARD' || /^DOCKER|^ufw6?-.*forward/.test(chain)) {
    return REMEDIES.allowForwarded(where, /^:DOCKER-USER /m.test(text) ? 'DOCKER-USER' : 'FORWARD', port)
  }
  if (isForwarded(taker, rules)) return REMEDIES.allowForwarded(where, 'FORWARD', port)
  if (chain === 'OUTPUT') return REMEDIES.answerIptables(where, chain, port)
  if (/^:ufw6?-user-input /m.test(text)) {
    // The user's own rules come before the packets that ufw itself refuses.
    return /^ufw6?-user-/.test(chain)
      ? REMEDIES.allowUfwFirst(port, rule.includes('-j REJECT') ? 'reject' : 'deny')
      : REMEDIES.allowUfw(port)
  }
  if (rule === '-P INPUT DROP') return REMEDIES.allowLast(where, port)
  const index = text
    .split('\n')
    .filter((line) => line.startsWith('-A INPUT '))
    .indexOf(rule)
  return REMEDIES.allowBefore(where, port, index < 0 ? 1 : index + 1)
}

/** Returns true if only forwarded packets reach a user-defined chain. */
function isForwarded(taker: Taker, { hooksOf }: InForce): boolean {
  return hooksOf?.(taker).join() === 'forward'
}

/** Returns the iptables table that contains a rule or policy. */
function sectionWith(saved: string, rule: string): string | undefined {
  const policy = /^-P (\S+) (\S+)$/.exec(rule)
  const line = policy === null ? rule : `:${policy[1]} ${policy[2]} [0:0]`
  return [...saved.matchAll(/^\*(\S+)\n([\s\S]*?)^COMMIT$/gm)].find(([, , body = '']) =>
    body.split('\n').includes(line),
  )?.[1]
}

function byNft(port: Port, table: string, taker: Taker, rules: InForce): Remedy | undefined {
  const { chain } = taker
  if (table.startsWith('netdev ')) return undefined
  const hooks = baseChains(rules.tables.find(({ name }) => name === table)?.text ?? '')
  const own = hooks.find(({ name }) => name === chain)?.hook
  if (own === 'output') return REMEDIES.answerNft(table, chain, port)
  if (own === 'postrouting') return undefined
  if (own === 'forward' || (own === undefined && isForwarded(taker, rules))) {
    return REMEDIES.allowNftForwarded(table, chain, port)
  }
  // Of several it cannot be told from which one packets come to a chain that is jumped to.
  const [input, ...more] = hooks.filter(({ hook }) => hook === 'input')
  if (own === 'input') return REMEDIES.allowNft(table, chain, port)
  if (own === undefined && input !== undefined && more.length === 0) return REMEDIES.allowNft(table, input.name, port)
  return REMEDIES.allowNftLocal(table, chain, port)
}

function baseChains(text: string): readonly { readonly name: string; readonly hook: string }[] {
  const chains = text.matchAll(/^\tchain (\S+) \{\n(?:\t\tcomment .*\n)?\t\ttype \S+ hook (\S+)/gm)
  return [...chains].map(([, name = '', hook = '']) => ({ name, hook }))
}

/** Returns the zone of firewalld for packets from an interface. The last zone is for all other interfaces. */
function zoneOf({ tables, link }: InForce): string | undefined {
  const text = tables.find(({ name }) => name === 'inet firewalld')?.text ?? ''
  const chain = /^\tchain filter_INPUT_ZONES \{\n([\s\S]*?)^\t\}/m.exec(text)?.[1] ?? ''
  const zones = [...chain.matchAll(/^\t\t(?:iifname "([^"]+)" )?goto filter_IN_(\S+)$/gm)]
  return zones.find(([, name]) => name === undefined || name === link)?.[2]
}
