import type { FlagTest } from '../../config/config.ts'
import { OPENING_FLAGS, flagNames } from '../../config/flags.ts'
import { quote } from '../../text/fault.ts'
import { protocolName } from '../../config/service.ts'
import { FAMILIES, formatAddress } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'
import { ADDRESS_BITS, formatNetwork, networkOf } from '../../packet/network.ts'
import { KNOCK, SCAN_WINDOW_S, WRONG, doorsOf, ignoredList, knockChains, openList } from './chains.ts'
import type { Act, Chain, List, Rule, Test } from './chains.ts'
import { CLOSED_PORT_ANSWERS, EARLIER_CONNECTIONS, NEEDED_RULES, openToEverybody } from '../input-rules.ts'
import { ADDRESS_TYPE, IP, SERVICE_KEY, acceptRule, serviceMatch, titled } from '../nft-text.ts'
import { nftHeading } from './heading.ts'
import type { KernelPlan } from './plan.ts'

/** The table of the ruleset, which contains nothing else. */
export const KERNEL_TABLE = 'inet postern_kernel'
/** The length of a UDP header (RFC 768), which `udp length` includes. */
const UDP_HEADER_BYTES = 8
/** The maximum number of sources in a list. A flood of forged sources can use about 8 MB of memory for it. */
export const LIST_MAX = 65_536

/** Returns the ruleset for nft(8) as one transaction, which replaces the whole table. */
export function nftRuleset(plan: KernelPlan): string {
  const lines = FAMILIES.flatMap((family) => knockingOf(plan, family))
  const body = [...lines, ...entry(plan), ...input(plan)]
  return [
    ...nftHeading(plan, KERNEL_TABLE),
    '',
    `add table ${KERNEL_TABLE}`,
    `delete table ${KERNEL_TABLE}`,
    `table ${KERNEL_TABLE} {`,
    ...body.map((line) => (line === '' ? '' : `\t${line}`)),
    '}',
    '',
  ].join('\n')
}

function knockingOf(plan: KernelPlan, family: Family): readonly string[] {
  const { lists, chains } = knockChains(plan, family)
  const doors = doorsOf(plan, family)
  return [
    `# ${family === 4 ? 'IPv4' : 'IPv6'}`,
    ...doors.map(({ name, slug }) => `# ${slug}: door ${quote(name)}`),
    ...lists.map((list) => set(list, family)),
    ...scanSets(plan, family),
    '',
    ...(plan.scanPorts === 0 ? [] : scannerChain(plan, family)),
    ...chains.flatMap((chain) => chainText(chain, plan, family)),
  ]
}

function set({ name, timeoutMs }: List, family: Family): string {
  return setText(`${name}_${family}`, ADDRESS_TYPE[family], timeoutMs)
}

function setText(name: string, type: string, timeoutMs: number): string {
  return `set ${name} { type ${type}; size ${LIST_MAX}; flags dynamic,timeout; timeout ${timeText(timeoutMs)}; }`
}

/** Returns a time in the syntax of nft(8). */
function timeText(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

function scanSets(plan: KernelPlan, family: Family): readonly string[] {
  if (plan.scanPorts === 0) return []
  const window = SCAN_WINDOW_S * 1000
  return [
    set(ignoredList(plan, family), family),
    setText(`touched_${family}`, `${ADDRESS_TYPE[family]} . inet_proto . inet_service`, window),
    setText(`count_${family}`, ADDRESS_TYPE[family], window),
  ]
}

function scannerChain(plan: KernelPlan, family: Family): readonly string[] {
  const source = `${IP[family]} saddr`
  return [
    `# too many distinct wrong ports: a scan`,
    `chain scanner_${family} {`,
    `\tdelete @count_${family} { ${source} }`,
    `\tupdate @${ignoredList(plan, family).name}_${family} { ${source} }`,
    '}',
    '',
  ]
}

/**
 * Counts distinct ports. Each one is recorded with its source, and a limit that refills once a day lets all but the
 * last pass.
 */
function countRules({ scanPorts }: KernelPlan, family: Family): readonly string[] {
  if (scanPorts === 0) return []
  const source = `${IP[family]} saddr`
  const known = `${source} . ${SERVICE_KEY}`
  const over = scanPorts === 1 ? '' : ` limit rate over 1/day burst ${scanPorts - 1} packets`
  return [
    `${known} @touched_${family} return`,
    `add @touched_${family} { ${known} }`,
    scanPorts === 1 ? `goto scanner_${family}` : `update @count_${family} { ${source}${over} } goto scanner_${family}`,
  ]
}

function chainText({ name, about, rules }: Chain, plan: KernelPlan, family: Family): readonly string[] {
  const more = name === WRONG ? countRules(plan, family) : []
  const lines = [...rules.map((rule) => ruleText(rule, family)), ...more]
  return [`# ${about}`, `chain ${name}_${family} {`, ...lines.map((line) => `\t${line}`), '}', '']
}

function ruleText({ tests, act }: Rule, family: Family): string {
  return [...tests.map((test) => testText(test, family)), actText(act, family)].join(' ')
}

function testText(test: Test, family: Family): string {
  if ('in' in test) return `${sourceOf(test.in, family)} @${test.in.name}_${family}`
  if ('from' in test) return `${IP[family]} saddr ${formatNetwork(test.from)}`
  if ('service' in test) return serviceMatch(test.service)
  const { protocol, port, size } = test.knock
  const flags = protocolName(protocol) === 'tcp' && test.flags !== undefined ? `${flagText(test.flags)} ` : ''
  const length = size === undefined ? '' : ` udp length ${UDP_HEADER_BYTES + size}`
  return `${flags}${protocolName(protocol)} dport ${port}${length}`
}

function actText(act: Act, family: Family): string {
  if (act === 'return') return 'return'
  if ('put' in act) return `update @${act.put.name}_${family} { ${sourceOf(act.put, family)} }`
  if ('remove' in act) return `delete @${act.remove.name}_${family} { ${sourceOf(act.remove, family)} }`
  return 'jump' in act ? `jump ${act.jump}_${family}` : `goto ${act.goto}_${family}`
}

/** Returns the expression for the bits of the source that count. */
function sourceOf({ prefix }: List, family: Family): string {
  const source = `${IP[family]} saddr`
  if (prefix === ADDRESS_BITS[family]) return source
  const mask = networkOf({ family, a: -1, b: -1, c: -1, d: -1 }, prefix).address
  return `${source} & ${formatAddress(mask)}`
}

function flagText({ mask, want }: FlagTest): string {
  if (mask === 0) return 'meta l4proto tcp'
  return `tcp flags & (${flagNames(mask).join(' | ')}) == ${want === 0 ? '0x0' : flagNames(want).join(' | ')}`
}

/** Returns the rules that send first packets to addresses of this host to the knocking chains. */
function entry({ doors, interfaces, flagged }: KernelPlan): readonly string[] {
  const tests = flagged
    ? [OPENING_FLAGS, ...doors.flatMap(({ tcpFlags }) => tcpFlags ?? [])].map(flagText)
    : [flagText(OPENING_FLAGS)]
  const names = interfaces.map((name) => `"${name}"`).join(', ')
  return [
    'chain family {',
    ...FAMILIES.map((family) => `\tmeta nfproto ipv${family} goto ${KNOCK}_${family}`),
    '}',
    '',
    'chain first {',
    ...(names === '' ? [] : [`\tiifname != { ${names} } return`]),
    '\tfib daddr type != local return',
    ...[...new Set(tests)].map((test) => `\t${test} goto family`),
    '\tmeta l4proto udp goto family',
    '}',
    '',
  ]
}

function input(plan: KernelPlan): readonly string[] {
  const always = plan.alwaysAllow.flatMap((network) => plan.guarded.map((service) => acceptRule(service, network)))
  const open = FAMILIES.flatMap((family) =>
    doorsOf(plan, family).flatMap((door) => {
      const list = openList(door, family)
      return door.ports.map(
        (service) => `${serviceMatch(service)} ${sourceOf(list, family)} @${list.name}_${family} accept`,
      )
    }),
  )
  const rules = [
    'type filter hook input priority filter; policy drop;',
    'iifname "lo" accept',
    '# A SYN never belongs to an existing connection, whatever connection tracking says.',
    'ct state established,related tcp flags & (syn | rst | ack) != syn accept',
    'ct state established,related meta l4proto != tcp accept',
    ...NEEDED_RULES,
    ...titled('# Always_Allow', always),
    'jump first',
    'ct state invalid tcp flags & (rst | ack) != 0x0 drop',
    'ct state invalid meta l4proto != tcp drop',
    ...titled('# sources that have knocked', open),
    ...openToEverybody(plan.allowed),
    ...EARLIER_CONNECTIONS,
    'fib daddr type != local drop',
    ...(plan.drops ? [] : CLOSED_PORT_ANSWERS),
  ]
  return ['chain input {', ...rules.map((rule) => `\t${rule}`), '}']
}
