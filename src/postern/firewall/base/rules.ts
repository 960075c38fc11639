import { servicesText } from '../../../base/problem.ts'
import type { Config } from '../../../config/config.ts'
import { shellWord } from '../../../text/shell-word.ts'
import { connectionsTo } from '../../../host/connections.ts'
import { listeningPorts } from '../../../host/listening.ts'
import { basePlan, baseRuleset } from '../../../firewall/base/ruleset.ts'
import type { BasePlan } from '../../../firewall/base/ruleset.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { planOf } from '../../../firewall/guard/plan.ts'
import { guardRuleset } from '../../../firewall/guard/ruleset.ts'
import { PRINTED_BY } from '../../../firewall/kernel-only/heading.ts'
import { formatAddress } from '../../../packet/address.ts'
import { TCP, UDP } from '../../../packet/packet.ts'
import type { RulesetArguments, TrialArguments } from './arguments.ts'

/** The rules that are made from a config and a command line. */
export interface Rules {
  readonly plan: BasePlan
  /** The base ruleset without the time limit of a trial, for `nft -f`. */
  readonly kept: string
  /** The guard with nothing open, for a machine where no daemon has loaded one; empty if nothing is guarded. */
  readonly guard: string
  /** A comment line that names the command which makes the rules. */
  readonly printedBy: string
  /** The base ruleset and the guard with a heading, as a file to load when the machine starts. */
  readonly file: string
}

/** Makes the rules. Looks up the listening ports of this machine, and changes nothing. */
export function rulesOf(config: Config, asked: RulesetArguments & Partial<TrialArguments>): Rules {
  const { allowed } = asked
  const plan = basePlan(config, allowed)
  const kept = baseRuleset(plan, { guardThere: plan.guarded.length > 0, trialS: undefined })
  const guard = closedGuard(config, true)
  const later = closedGuard(config, false)
  // A line break in the file's name must not end the comment.
  const command = asked.trialMs === undefined ? 'print' : 'apply'
  const printedBy = `${`${PRINTED_BY} ${command}${argumentsOf(asked, config.file)}\``.replaceAll(/[\r\n]/g, ' ')}\n`
  const heading = [
    '#!/usr/sbin/nft -f',
    `${printedBy.trim()}: a base ruleset${guard === '' ? '' : ', and the guard with nothing open'}.`,
    '# Put in force by hand, it is not taken back by itself; `postern firewall apply` does that.',
    '',
  ]
  return { plan, kept, guard, printedBy, file: `${heading.join('\n')}\n${kept}${later === '' ? '' : `\n${later}`}` }
}

function argumentsOf(asked: RulesetArguments & Partial<TrialArguments>, file: string): string {
  const { allowed, dryRun, beside, persist, replace } = asked
  const flags = { '--dry-run': dryRun, '--beside': beside, '--persist': persist, '--replace': replace }
  const given = Object.entries(flags).flatMap(([flag, isGiven]) => (isGiven === true ? [flag] : []))
  const ports = allowed.length === 0 ? [] : [`--allow ${servicesText(allowed)}`]
  return ['', `-c ${shellWord(file)}`, ...ports, ...given].join(' ')
}

/** @param now true if the guard keeps the present connections */
function closedGuard(config: Config, now: boolean): string {
  const listening = listeningPorts()
  const plan = planOf(config, (port) => listening[TCP].has(port) || listening[UDP].has(port))
  if (plan === undefined) return ''
  const there = now ? connectionsTo(plan.services) : []
  const kept = there.map(({ peer, peerPort, port }) => ({
    family: peer.family,
    address: formatAddress(peer),
    peerPort,
    port,
  }))
  return guardRuleset(plan, [], kept)
}

/** Returns the guard's rules if the firewall has no guard. A guard in force stays, as it may have openings. */
export function guardIfMissing(guard: string, list: (table: string) => string | undefined): string {
  return guard === '' || list(TABLE) !== undefined ? '' : guard
}
