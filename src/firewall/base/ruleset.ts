import type { Config, Service } from '../../config/config.ts'
import { protocolName } from '../../config/service.ts'
import { formatNetwork } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import { mergeNetworks, mergeServices } from '../guard/merge.ts'
import { ICMPV6_NEEDED, ICMP_NEEDED } from '../icmp.ts'

/** The table of the base ruleset. It has it to itself. */
export const BASE_TABLE = 'inet postern_base'
/** The set that holds both families while a ruleset is on trial: the kernel empties it. */
const TRIAL = 'trial'

/** What the base ruleset lets in. */
export interface BasePlan {
  /** Ports for everybody. */
  readonly allowed: readonly Service[]
  /** Ports of this host that the guard hides and opens. */
  readonly guarded: readonly Service[]
  /** Who reaches guarded ports without knocking. */
  readonly alwaysAllow: readonly Network[]
  /** How the rest is refused: as closed ports do, or not at all. */
  readonly hideWith: 'match' | 'reset' | 'drop'
}

/** What a config asks of the base ruleset, beside ports for everybody. */
export function basePlan({ options, doors }: Config, allowed: readonly Service[]): BasePlan {
  const services = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  return {
    allowed: mergeServices(allowed),
    guarded: mergeServices(services.filter(({ host }) => host === undefined)),
    alwaysAllow: mergeNetworks(options.alwaysAllow),
    hideWith: options.hideWith,
  }
}

/** In which state a base ruleset is. */
export interface BaseState {
  /** Whether the guard judges who reaches guarded ports; else nobody does but who always may. */
  readonly guardThere: boolean
  /** Seconds after which the kernel lets everything in again; `undefined`: never. */
  readonly trialS: number | undefined
}

/**
 * The base ruleset as one transaction for nft(8): the whole table in place of the one before.
 *
 * On trial, what it refuses is refused only as long as a set holds both families, which the kernel itself ends: with
 * every process of ours dead, nobody is locked out.
 */
export function baseRuleset(plan: BasePlan, { guardThere, trialS }: BaseState): string {
  const guarded = plan.guarded.map((service) => `${portText(service)} accept`)
  const always = plan.alwaysAllow.flatMap((network) =>
    plan.guarded.map((service) => `${sourceText(network)} ${portText(service)} accept`),
  )
  const rules = [
    'type filter hook input priority filter; policy accept;',
    'iifname "lo" accept',
    'ct state established,related accept',
    ...(trialS === undefined ? [] : [`meta nfproto != @${TRIAL} accept`]),
    `meta nfproto ipv4 icmp type { ${ICMP_NEEDED} } accept`,
    `meta nfproto ipv6 icmpv6 type { ${ICMPV6_NEEDED} } accept`,
    'ip protocol igmp accept',
    '# The address of this host may be lent by DHCP.',
    'meta nfproto ipv4 udp sport 67 udp dport 68 accept',
    'ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept',
    ...titled(
      '# everybody',
      plan.allowed.map((service) => `${portText(service)} accept`),
    ),
    ...(guardThere
      ? titled('# guarded: the table `inet postern` lets pass who has knocked, and nobody else', guarded)
      : titled('# guarded, and there is no guard: who always may', always)),
    '# Connections that were there before these rules. A lone ACK opens nothing: closed ports and open ones reset it.',
    'ct state new tcp flags & (syn | rst | ack) == ack limit rate 100/second burst 100 packets accept',
    ...refused(plan),
  ]
  const trial =
    trialS === undefined
      ? []
      : [
          `set ${TRIAL} { type nf_proto; flags timeout; elements = { ipv4 timeout ${trialS}s, ipv6 timeout ${trialS}s }; }`,
        ]
  const lines = [...trial, 'chain input {', ...rules.map((rule) => `\t${rule}`), '}']
  return [
    `add table ${BASE_TABLE}`,
    `delete table ${BASE_TABLE}`,
    `table ${BASE_TABLE} {`,
    ...lines.map((line) => `\t${line}`),
    '}',
    '',
  ].join('\n')
}

/** Takes the base ruleset away, whether it is there or not. */
export const REMOVE_BASE = `add table ${BASE_TABLE}\ndelete table ${BASE_TABLE}\n`

function refused({ hideWith }: BasePlan): readonly string[] {
  if (hideWith === 'drop') return ['drop']
  return [
    'ct state invalid meta l4proto != tcp drop',
    'fib daddr type != local drop',
    '# as closed ports answer',
    'meta l4proto tcp reject with tcp reset',
    'meta l4proto udp reject with icmpx type port-unreachable',
    'meta nfproto ipv4 reject with icmp type prot-unreachable',
    'drop',
  ]
}

function portText({ protocol, first, last }: Service): string {
  return `${protocolName(protocol)} dport ${first === last ? first : `${first}-${last}`}`
}

function sourceText(network: Network): string {
  return `${network.address.family === 4 ? 'ip' : 'ip6'} saddr ${formatNetwork(network)}`
}

function titled(title: string, rules: readonly string[]): readonly string[] {
  return rules.length === 0 ? [] : [title, ...rules]
}
