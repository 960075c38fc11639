import { setTimeout as pause } from 'node:timers/promises'
import type { Family } from '../../packet/address.ts'
import type { Endpoint } from '../orders.ts'
import { IPTABLES } from '../rules.ts'
import { runAll } from '../run-all.ts'
import type { Iptables, RuleLine } from '../rules.ts'
import type { Twin } from '../twin.ts'

/** The rule or chain policy that takes a packet away. */
export interface Culprit {
  /** `iptables`, `ip6tables-legacy` or `table inet filter`. */
  readonly where: string
  readonly chain: string
  /** The text of the rule, as iptables-save or nft writes it. */
  readonly rule: string
}

/** The rules that packets met. */
export interface Met {
  /** The rule that took the packets; `undefined` if none did, or it is unknown. */
  readonly culprit: Culprit | undefined
  /** The rules that the packets matched. */
  readonly passed: readonly RuleLine[]
}

const TRACE_TABLE = 'inet postern_rehearsal'
const TRACE = 'trace'
/** Milliseconds that nft needs to begin reading the kernel's trace, and to print it. */
const TRACE_SETTLE_MS = 250

/** The longest time until the trace shows a rule that takes the packets, in milliseconds. */
const TRACE_LIMIT_MS = 10_000

/**
 * Has packets of the endpoint sent, and returns the rules that they met. The counters of iptables show its rules, and the
 * kernel's trace shows those of nftables.
 */
export async function meet(twin: Twin, endpoint: Endpoint, send: () => Promise<unknown>): Promise<Met> {
  const family = endpoint.host.includes(':') ? 6 : 4
  const kinds = IPTABLES.filter((kind) => kind.startsWith(family === 4 ? 'iptables' : 'ip6tables'))
  const before = await counters(twin, kinds)
  await twin.run(['nft', '-f', '-'], traceTable(endpoint, family))
  await twin.server.start(TRACE, ['nft', 'monitor', 'trace'])
  await pause(TRACE_SETTLE_MS)
  const sent = send().then(() => false)
  // What was sent may wait long for an answer that a rule has taken already.
  const shown = twin.server.line(TRACE, 0, isTaken, TRACE_LIMIT_MS)
  const taken = await Promise.race([shown.then(async (line) => (line === undefined ? await sent : true)), sent])
  const after = await counters(twin, kinds)
  if (!taken) await pause(TRACE_SETTLE_MS)
  await twin.server.ask('stop', { name: TRACE })
  await twin.run(['nft', 'delete', 'table', ...TRACE_TABLE.split(' ')])
  const counted = kinds.flatMap((kind) => counts(kind, before.get(kind)!, after.get(kind)!))
  const lines = twin.server.lines(TRACE)
  return { culprit: culpritOf(counted, traced(lines)), passed: [...counted, ...tracedRules(lines)] }
}

/** Returns the rule that takes packets of the endpoint: see {@link meet}. */
export async function whoTakes(
  twin: Twin,
  endpoint: Endpoint,
  send: () => Promise<unknown>,
): Promise<Culprit | undefined> {
  return (await meet(twin, endpoint, send)).culprit
}

function traceTable({ protocol, port, source }: Endpoint, family: Family): string {
  const ip = family === 4 ? 'ip' : 'ip6'
  return `table ${TRACE_TABLE} {
  chain in {
    type filter hook prerouting priority -450
    ${ip} saddr ${source} ${protocol} dport ${port} meta nftrace set 1
  }
  chain out {
    type filter hook output priority -450
    ${ip} daddr ${source} ${protocol} sport ${port} meta nftrace set 1
  }
}
`
}

async function counters(twin: Twin, kinds: readonly Iptables[]): Promise<ReadonlyMap<Iptables, string>> {
  const commands = kinds.map((kind) => `${kind}-save -c`)
  const ran = await runAll(twin.run, commands)
  return new Map(kinds.map((kind, index) => [kind, ran[index]!.stdout]))
}

/** Returns the rules and policies that take packets away and have counted more of them since. */
export function risen(kind: Iptables, before: string, after: string): readonly Culprit[] {
  return takers(counts(kind, before, after))
}

/** Returns the rules and policies that have counted more packets since. The order of tables and chains may differ. */
function counts(kind: Iptables, before: string, after: string): readonly RuleLine[] {
  const earlier = countedLines(before)
  return [...countedLines(after)].flatMap(([key, { packets, rule }]) => {
    const past = earlier.get(key)
    return past === undefined || packets <= past.packets ? [] : [{ where: kind.replace('-nft', ''), text: rule }]
  })
}

/**
 * Chooses the rule that took the packets. Counters rise with every packet, also with the knocks. The trace is of the
 * port's packets alone, but it shows rules of iptables in nftables' form, and none of iptables-legacy.
 */
export function culpritOf(counted: readonly RuleLine[], seen: Culprit | undefined): Culprit | undefined {
  const all = takers(counted)
  if (seen === undefined) return all.find(({ where }) => where.endsWith('-legacy')) ?? all[0]
  const [, family, name = ''] = /^table (ip6?) (\S+)$/.exec(seen.where) ?? []
  const where = family === undefined || !IPTABLES_TABLES.has(name) ? seen.where : KEEPER[family as keyof typeof KEEPER]
  const same = all.find(
    (each) => each.where === where && each.chain === seen.chain && isPolicy(each.rule) === isPolicy(seen.rule),
  )
  return same ?? seen
}

function isPolicy(rule: string): boolean {
  return /^-P |^policy /.test(rule)
}

const IPTABLES_TABLES: ReadonlySet<string> = new Set(['filter', 'nat', 'mangle', 'raw', 'security'])
const KEEPER = { ip: 'iptables', ip6: 'ip6tables' } as const

function takers(counted: readonly RuleLine[]): readonly Culprit[] {
  return counted.flatMap(({ where, text }) => {
    const [, chain = '', target] =
      /^-A (\S+) .*-j (DROP|REJECT|TARPIT)\b/.exec(text) ?? /^:(\S+) (DROP)$/.exec(text) ?? []
    if (target === undefined) return []
    return [{ where, chain, rule: text.startsWith(':') ? `-P ${chain} ${target}` : text }]
  })
}

/** Returns rules and policies with their counts, by table, text and number of equal rules before. */
function countedLines(saved: string): ReadonlyMap<string, { readonly packets: number; readonly rule: string }> {
  const counted = new Map<string, { packets: number; rule: string }>()
  let table = ''
  for (const line of saved.split('\n')) {
    if (line.startsWith('*')) table = line
    const [, before, rule] = /^\[(\d+):\d+\] (-A .*)$/.exec(line) ?? []
    const [, policy, behind] = /^(:\S+ \S+) \[(\d+):\d+\]$/.exec(line) ?? []
    const text = rule ?? policy
    if (text === undefined) continue
    let key = `${table} ${text}`
    while (counted.has(key)) key += '+'
    counted.set(key, { packets: Number(before ?? behind), rule: text })
  }
  return counted
}

function isTaken(line: string): boolean {
  return traced([line]) !== undefined
}

/** Returns the last rule or policy of the trace that takes the packet. */
export function traced(lines: readonly string[]): Culprit | undefined {
  for (const line of lines.toReversed()) {
    const rule = /^trace id \S+ (\S+) (\S+) (\S+) rule (.*) \(verdict drop\)/.exec(line)
    if (rule !== null) return named(rule[1]!, rule[2]!, rule[3]!, rule[4]!.replaceAll(/\s+/g, ' '))
    const policy = /^trace id \S+ (\S+) (\S+) (\S+) policy drop/.exec(line)
    if (policy !== null) return named(policy[1]!, policy[2]!, policy[3]!, 'policy drop')
  }
  return undefined
}

/** Returns the rules of nftables that a trace names, with any verdict. */
function tracedRules(lines: readonly string[]): readonly RuleLine[] {
  return lines.flatMap((line) => {
    const rule = /^trace id \S+ (\S+) (\S+) \S+ rule (.*) \(verdict /.exec(line)
    return rule === null ? [] : [{ where: `table ${rule[1]!} ${rule[2]!}`, text: rule[3]!.replaceAll(/\s+/g, ' ') }]
  })
}

/** Names a rule of the trace. Chains with names in capitals belong to iptables. */
function named(family: string, table: string, chain: string, rule: string): Culprit {
  const text = rule.replaceAll(/ counter packets \d+ bytes \d+/g, '')
  if (!/^ip6?$/.test(family) || !/^[A-Z]+$/.test(chain)) return { where: `table ${family} ${table}`, chain, rule: text }
  const where = family === 'ip' ? 'iptables' : 'ip6tables'
  return { where, chain, rule: text === 'policy drop' ? `-P ${chain} DROP` : text }
}
