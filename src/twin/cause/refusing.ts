import { chainsIn, hooksOf } from './chains.ts'
import type { Chain } from './chains.ts'
import type { OpenedPort } from '../ports.ts'
import { judges } from './rule-words.ts'
import type { Rules } from '../rules.ts'

/** The names of Postern's tables, which accept established connections. */
const OURS = /^table inet postern/
/** The words of rules that are about the other end of a connection. */
const OTHER_END = { input: /--sports?\b|\bsport\b/, output: /--dports?\b|\bdport\b|--(?:u|g)id-owner|\bsk[ug]id\b/ }
const TAKES = / -j (?:DROP|REJECT|TARPIT)\b|\b(?:drop|reject)\b/
const PASSES = /(?:--ctstate|--state) \S*ESTABLISHED\S* .*-j ACCEPT|\bct state .*\bestablished\b.*\baccept/

/** Returns true if a rule drops packets from unknown sources to one of the ports, or the answers to them. */
export function takes(rule: string, ports: readonly OpenedPort[], hook: 'input' | 'output' = 'input'): boolean {
  return TAKES.test(rule) && !OTHER_END[hook].test(rule) && ports.some((port) => judges(rule, port))
}

/**
 * Returns the base chains of a hook that drop packets of the ports, by policy or by a rule. Chains that let established
 * connections pass are left out.
 */
export function withoutEstablished(
  rules: Pick<Rules, 'saved' | 'tables'>,
  hook: 'input' | 'output',
  ports: readonly OpenedPort[],
): readonly Chain[] {
  const chains = chainsIn(rules)
  const here = chains.filter((chain) => !OURS.test(chain.where) && hooksOf(chain, chains).includes(hook))
  return here.filter((base) => {
    if (base.hook !== hook) return false
    const its = here.filter(({ where, table }) => where === base.where && table === base.table)
    const refuses = base.drops || its.some((chain) => chain.rules.some((rule) => takes(rule, ports, hook)))
    return refuses && !its.some((chain) => chain.rules.some((rule) => PASSES.test(rule)))
  })
}
