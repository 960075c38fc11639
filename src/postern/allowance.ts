import { BaseFiles } from '../base/files.ts'
import { servicesText } from '../base/problem.ts'
import type { Config } from '../config/config.ts'
import { readService } from '../config/service.ts'
import { without } from '../firewall/guard/merge.ts'
import { BASE_TABLE, basePlan } from '../firewall/base/ruleset.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import type { InForce } from '../firewall/allow.ts'
import { hooksAt } from '../twin/cause/chains.ts'
import type { Rules } from '../twin/rules.ts'

/** Returns the rules in force, in the form that the remedies need. */
export function inForce(rules: Rules, link: string, config: Config): InForce {
  const { saved, tables } = rules
  const confirmed = new BaseFiles().confirmed.readIfUsable()
  const base = tables.find(({ name }) => name === BASE_TABLE)?.text ?? ''
  const terms = confirmed ?? { allowed: allowedIn(base, config), beside: true, persist: undefined, replace: false }
  const hooksOf: NonNullable<InForce['hooksOf']> = (taker) => hooksAt(taker, rules)
  return { saved, tables, hooksOf, link, applyBase: REMEDIES.applyBase(terms, config.file) }
}

/** Returns the ports that an unconfirmed base ruleset accepts, without those that the config guards. */
function allowedIn(base: string, config: Config): string {
  const services = [...base.matchAll(/^\t\t(tcp|udp) dport (\S+) accept$/gm)].flatMap(
    ([, protocol, ports]) => readService(`${protocol}/${ports}`) ?? [],
  )
  return servicesText(without(services, basePlan(config, []).guarded))
}
