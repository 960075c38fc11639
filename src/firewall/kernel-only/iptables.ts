import type { FlagTest, Service } from '../../config/config.ts'
import { OPENING_FLAGS, flagNames } from '../../config/flags.ts'
import { quote } from '../../text/fault.ts'
import { portsText, protocolName } from '../../config/service.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Family } from '../../packet/address.ts'
import { ADDRESS_BITS, formatNetwork, networkOf } from '../../packet/network.ts'
import { KNOCK, SCAN_WINDOW_S, WRONG, doorsOf, ignoredList, knockChains, openList } from './chains.ts'
import type { Act, Chain, List, Rule, Test } from './chains.ts'
import { titled } from '../nft-text.ts'
import { iptablesHeading } from './heading.ts'
import type { KernelPlan } from './plan.ts'

/**
 * The maximum number of (source, port) pairs that are kept to count distinct wrong ports. Beyond it, packets to wrong
 * ports are dropped.
 */
export const TOUCHED_MAX = 65_536
const TOUCHED_BUCKETS = 8_192

/** The headers of IP and UDP, which the length match includes. */
const HEADERS_BYTES: Readonly<Record<Family, number>> = { 4: 20 + 8, 6: 40 + 8 }

/** The prefixes of Postern's chains and lists. */
const CHAIN = 'POSTERN_'
const LIST = 'postern_'
const FIRST = 'first'
const SCANNER = 'scanner'

const ICMP: Readonly<Record<Family, readonly string[]>> = {
  // These are errors and echo requests.
  4: ['3', '8', '11', '12'].map((type) => `-p icmp --icmp-type ${type}`),
  // RFC 4890, 4.4 names errors, echo, multicast listeners, routers and neighbours, multicast routers.
  6: [1, 2, 3, 4, 128, 129, 130, 131, 132, 133, 134, 135, 136, 141, 142, 143, 148, 149, 151, 152, 153].map(
    (type) => `-p ipv6-icmp --icmpv6-type ${type}`,
  ),
}

/**
 * Returns the ruleset of one family for iptables-restore(8) or ip6tables-restore(8). It contains the chain INPUT and
 * Postern's chains.
 */
export function iptablesRuleset(plan: KernelPlan, family: Family): string {
  const { chains } = knockChains(plan, family)
  const names = [...chains.map(({ name }) => name), ...(plan.scanPorts === 0 ? [] : [SCANNER]), FIRST]
  return [
    ...iptablesHeading(plan, family),
    '*filter',
    ':INPUT DROP [0:0]',
    ...names.map((name) => `:${CHAIN}${name} - [0:0]`),
    '-F INPUT',
    ...doorsOf(plan, family).map(({ name, slug }) => `# ${slug}: door ${quote(name)}`),
    ...(plan.scanPorts === 0 ? [] : scannerChain(plan, family)),
    ...chains.flatMap((chain) => chainText(chain, plan, family)),
    ...entry(plan),
    ...input(plan, family),
    'COMMIT',
    '',
  ].join('\n')
}

function append(chain: string, ...words: readonly string[]): string {
  return ['-A', chain, ...words].join(' ')
}

function chainText({ name, about, rules }: Chain, plan: KernelPlan, family: Family): readonly string[] {
  const more = name === WRONG ? countRules(plan, family) : []
  return [
    `# ${about}`,
    ...[...rules.map((rule) => ruleText(rule, family)), ...more].map((rule) => append(`${CHAIN}${name}`, rule)),
  ]
}

function ruleText({ tests, act }: Rule, family: Family): string {
  return [...tests.map((test) => testText(test, family)), actText(act, family)].join(' ')
}

function testText(test: Test, family: Family): string {
  if ('in' in test) return listed(test.in, family)
  if ('from' in test) return `-s ${formatNetwork(test.from)}`
  if ('service' in test) return serviceText(test.service)
  const { protocol, port, size } = test.knock
  const flags = protocolName(protocol) === 'tcp' && test.flags !== undefined ? flagText(test.flags) : ''
  const length = size === undefined ? '' : ` -m length --length ${HEADERS_BYTES[family] + size}`
  return `-p ${protocolName(protocol)} --dport ${port}${flags}${length}`
}

function actText(act: Act, family: Family): string {
  if (act === 'return') return '-j RETURN'
  if ('put' in act) return recent('--set', act.put, family)
  if ('remove' in act) return recent('--remove', act.remove, family)
  return 'jump' in act ? `-j ${CHAIN}${act.jump}` : `-g ${CHAIN}${act.goto}`
}

function listed(list: List, family: Family): string {
  return recent(`--rcheck --seconds ${list.timeoutMs / 1000}`, list, family)
}

/** Each family has its own lists, which would otherwise share their room. */
function recent(how: string, { name, prefix }: List, family: Family): string {
  const mask = networkOf({ family, a: -1, b: -1, c: -1, d: -1 }, prefix).address
  const masked = prefix === ADDRESS_BITS[family] ? '' : ` --mask ${formatAddress(mask)}`
  return `-m recent ${how} --name ${LIST}${name}_${family}${masked} --rsource`
}

function serviceText(service: Service): string {
  return `-p ${protocolName(service.protocol)} --dport ${portsText(service, ':')}`
}

function flagText({ mask, want }: FlagTest): string {
  if (mask === 0) return ''
  return ` --tcp-flags ${upperNames(mask)} ${want === 0 ? 'NONE' : upperNames(want)}`
}

function upperNames(flags: number): string {
  return flagNames(flags).join(',').toUpperCase()
}

function countList(family: Family): List {
  return { name: 'count', timeoutMs: SCAN_WINDOW_S * 1000, prefix: ADDRESS_BITS[family] }
}

/** Counts distinct ports. The hashlimit match passes each pair of source and port once a minute. */
function countRules({ scanPorts }: KernelPlan, family: Family): readonly string[] {
  if (scanPorts === 0) return []
  const count = countList(family)
  const fresh = (protocol: string): string =>
    [
      `-p ${protocol} -m hashlimit --hashlimit-upto 1/min --hashlimit-burst 1 --hashlimit-mode srcip,dstport`,
      `--hashlimit-htable-size ${TOUCHED_BUCKETS} --hashlimit-htable-max ${TOUCHED_MAX}`,
      `--hashlimit-htable-expire ${SCAN_WINDOW_S * 1000} --hashlimit-name ${LIST}${protocol}${family}`,
    ].join(' ')
  return [
    ...['tcp', 'udp'].map((protocol) => `${fresh(protocol)} ${recent('--set', count, family)}`),
    `${recent(`--rcheck --seconds ${SCAN_WINDOW_S} --hitcount ${scanPorts}`, count, family)} -g ${CHAIN}${SCANNER}`,
  ]
}

function scannerChain(plan: KernelPlan, family: Family): readonly string[] {
  const chain = `${CHAIN}${SCANNER}`
  return [
    '# too many distinct wrong ports: a scan',
    append(chain, recent('--remove', countList(family), family)),
    append(chain, recent('--set', ignoredList(plan, family), family)),
  ]
}

/** Returns the rules that send first packets to addresses of this host to the knocking chains. */
function entry({ doors, flagged }: KernelPlan): readonly string[] {
  const tests = flagged ? [OPENING_FLAGS, ...doors.flatMap(({ tcpFlags }) => tcpFlags ?? [])] : [OPENING_FLAGS]
  const chain = `${CHAIN}${FIRST}`
  return [
    '# first packets',
    append(chain, '-m addrtype ! --dst-type LOCAL -j RETURN'),
    ...[...new Set(tests.map((test) => `-p tcp${flagText(test)}`)), '-p udp'].map((test) =>
      append(chain, `${test} -g ${CHAIN}${KNOCK}`),
    ),
  ]
}

function input(plan: KernelPlan, family: Family): readonly string[] {
  const always = plan.alwaysAllow
    .filter(({ address }) => address.family === family)
    .flatMap((network) =>
      plan.guarded.map((service) => `-s ${formatNetwork(network)} ${serviceText(service)} -j ACCEPT`),
    )
  const open = doorsOf(plan, family).flatMap((door) =>
    door.ports.map((service) => `${serviceText(service)} ${listed(openList(door, family), family)} -j ACCEPT`),
  )
  const knocks =
    plan.interfaces.length === 0
      ? [`-j ${CHAIN}${FIRST}`]
      : plan.interfaces.map((name) => `-i ${name} -j ${CHAIN}${FIRST}`)
  const icmp = family === 4 ? 'icmp' : 'icmp6'
  const dhcp =
    family === 4 ? '-p udp --sport 67 --dport 68 -j ACCEPT' : '-s fe80::/10 -p udp --sport 547 --dport 546 -j ACCEPT'
  const rules = [
    '-i lo -j ACCEPT',
    '# A SYN never belongs to an existing connection, whatever connection tracking says.',
    '-p tcp ! --tcp-flags SYN,RST,ACK SYN -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    '! -p tcp -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT',
    ...ICMP[family].map((match) => `${match} -j ACCEPT`),
    ...(family === 4 ? ['-p igmp -j ACCEPT'] : []),
    '# This host may get its address by DHCP.',
    dhcp,
    ...titled('# Always_Allow', always),
    ...knocks,
    '-p tcp ! --tcp-flags RST,ACK NONE -m conntrack --ctstate INVALID -j DROP',
    '! -p tcp -m conntrack --ctstate INVALID -j DROP',
    ...titled('# sources that have knocked', open),
    ...titled(
      '# open to everybody',
      plan.allowed.map((service) => `${serviceText(service)} -j ACCEPT`),
    ),
    '# Connections from before these rules. A lone ACK opens nothing: closed ports and open ones reset it.',
    '-p tcp --tcp-flags SYN,RST,ACK ACK -m conntrack --ctstate NEW -m limit --limit 100/sec --limit-burst 100 -j ACCEPT',
    '-m addrtype ! --dst-type LOCAL -j DROP',
    ...(plan.drops
      ? []
      : [
          '# answer as closed ports do',
          '-p tcp -j REJECT --reject-with tcp-reset',
          `-p udp -j REJECT --reject-with ${icmp}-port-unreachable`,
          ...(family === 4 ? ['-j REJECT --reject-with icmp-proto-unreachable'] : []),
        ]),
  ]
  return rules.map((rule) => (rule.startsWith('#') ? rule : append('INPUT', rule)))
}
