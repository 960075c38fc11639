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

function byIptables(port: Port, { where, chain, rule }: Taker, { saved }: InForce): Remedy | undefined {
  const kind = saved[where] === undefined ? where.replace(/^ip6?tables$/, '$&-nft') : where
  const text = saved[kind] ?? ''
  const table = sectionWith(text, rule)
  if (table !== undefined && table !== 'filter') return undefined
  if (chain === 'FORWARD' || /^DOCKER|^ufw6?-.*forward/.test(chain)) {
    return REMEDIES.allowForwarded(where, /^:DOCKER-USER /m.test(text) ? 'DOCKER-USER' : 'FORWARD', port)
  }
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

/** Returns the iptables table that contains a rule or policy. */
function sectionWith(saved: string, rule: string): string | undefined {
  const policy = /^-P (\S+) (\S+)$/.exec(rule)
  const line = policy === null ? rule : `:${policy[1]} ${policy[2]} [0:0]`
  return [...saved.matchAll(/^\*(\S+)\n([\s\S]*?)^COMMIT$/gm)].find(([, , body = '']) =>
    body.split('\n').includes(line),
  )?.[1]
}

function byNft(port: Port, table: string, { chain }: Taker, { tables }: InForce): Remedy | undefined {
  if (table.startsWith('netdev ')) return undefined
  const hooks = hooksOf(tables.find(({ name }) => name === table)?.text ?? '')
  const own = hooks.find(({ name }) => name === chain)?.hook
  if (own === 'output') return REMEDIES.answerNft(table, chain, port)
  if (own === 'postrouting') return undefined
  const input = hooks.find(({ hook }) => hook === 'input')
  if (own === 'input' || (own === undefined && input !== undefined)) {
    return REMEDIES.allowNft(table, input?.name === undefined || own === 'input' ? chain : input.name, port)
  }
  return own === 'forward' ? REMEDIES.allowNftForwarded(table, chain, port) : REMEDIES.allowNftLocal(table, chain, port)
}

function hooksOf(text: string): readonly { readonly name: string; readonly hook: string }[] {
  const chains = text.matchAll(/^\tchain (\S+) \{\n\t\ttype \S+ hook (\S+)/gm)
  return [...chains].map(([, name = '', hook = '']) => ({ name, hook }))
}

/** Returns the zone of firewalld for packets from an interface. The last zone is for all other interfaces. */
function zoneOf({ tables, link }: InForce): string | undefined {
  const text = tables.find(({ name }) => name === 'inet firewalld')?.text ?? ''
  const chain = /^\tchain filter_INPUT_ZONES \{\n([\s\S]*?)^\t\}/m.exec(text)?.[1] ?? ''
  const zones = [...chain.matchAll(/^\t\t(?:iifname "([^"]+)" )?goto filter_IN_(\S+)$/gm)]
  return zones.find(([, name]) => name === undefined || name === link)?.[2]
}
