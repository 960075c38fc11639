import type { Config, Service } from '../../config/config.ts'
import type { Network } from '../../packet/network.ts'
import { mergeNetworks, mergeServices } from '../guard/merge.ts'
import { CLOSED_PORT_ANSWERS, EARLIER_CONNECTIONS, NEEDED_RULES, openToEverybody } from '../input-rules.ts'
import { acceptRule, titled } from '../nft-text.ts'

/** The table of the base ruleset, which contains nothing else. */
export const BASE_TABLE = 'inet postern_base'
/** The set of a ruleset on trial. It contains both address families until the kernel empties it. */
const TRIAL = 'trial'

/** The contents of the base ruleset. */
export interface BasePlan {
  /** The ports that are open to everybody. */
  readonly allowed: readonly Service[]
  /** The ports of this host that the guard hides and opens. */
  readonly guarded: readonly Service[]
  /** The networks that reach guarded ports without knocking. */
  readonly alwaysAllow: readonly Network[]
  /** The way to refuse all other packets: like a closed port, or silently. */
  readonly hideWith: 'match' | 'reset' | 'drop'
}

/** Returns the base ruleset's plan for a config and the ports that are open to everybody. */
export function basePlan({ options, doors }: Config, allowed: readonly Service[]): BasePlan {
  const services = [...options.guard, ...doors.flatMap(({ opens }) => opens)]
  return {
    allowed: mergeServices(allowed),
    guarded: mergeServices(services.filter(({ host }) => host === undefined)),
    alwaysAllow: mergeNetworks(options.alwaysAllow),
    hideWith: options.hideWith,
  }
}

/** The state of a base ruleset. */
export interface BaseState {
  /** True if the guard decides who reaches guarded ports. Otherwise only `alwaysAllow` reaches them. */
  readonly guardThere: boolean
  /** Seconds after which the kernel lets everything in again; `undefined` means never. */
  readonly trialS: number | undefined
}

/**
 * Returns the base ruleset as one transaction for nft(8), which replaces the whole table.
 *
 * On trial, the ruleset refuses packets only while a set contains their address family. The kernel itself empties the
 * set. Nobody is locked out, even if all processes of Postern have died.
 */
export function baseRuleset(plan: BasePlan, { guardThere, trialS }: BaseState): string {
  const guarded = plan.guarded.map((service) => acceptRule(service))
  const always = plan.alwaysAllow.flatMap((network) => plan.guarded.map((service) => acceptRule(service, network)))
  const rules = [
    'type filter hook input priority filter; policy accept;',
    'iifname "lo" accept',
    'ct state established,related accept',
    ...(trialS === undefined ? [] : [`meta nfproto != @${TRIAL} accept`]),
    ...NEEDED_RULES,
    ...openToEverybody(plan.allowed),
    ...(guardThere
      ? titled('# guarded: the table `inet postern` lets in only sources that have knocked', guarded)
      : titled('# guarded, but the guard is not loaded: Always_Allow', always)),
    ...EARLIER_CONNECTIONS,
    ...refused(plan),
  ]
  const timeout = `timeout ${trialS}s`
  const trial = `set ${TRIAL} { type nf_proto; flags timeout; elements = { ipv4 ${timeout}, ipv6 ${timeout} }; }`
  const lines = [...(trialS === undefined ? [] : [trial]), 'chain input {', ...rules.map((rule) => `\t${rule}`), '}']
  return [
    `add table ${BASE_TABLE}`,
    `delete table ${BASE_TABLE}`,
    `table ${BASE_TABLE} {`,
    ...lines.map((line) => `\t${line}`),
    '}',
    '',
  ].join('\n')
}

/** Removes the base ruleset, whether it exists or not. */
export const REMOVE_BASE = `add table ${BASE_TABLE}\ndelete table ${BASE_TABLE}\n`

function refused({ hideWith }: BasePlan): readonly string[] {
  if (hideWith === 'drop') return ['drop']
  return ['ct state invalid meta l4proto != tcp drop', 'fib daddr type != local drop', ...CLOSED_PORT_ANSWERS, 'drop']
}
