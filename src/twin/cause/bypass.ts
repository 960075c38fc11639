import { chainsIn, hooksOf, jumpOf, jumpsTo } from './chains.ts'
import type { Chain } from './chains.ts'
import type { Culprit } from './culprit.ts'
import type { OpenedPort } from '../ports.ts'
import { fitsPort } from './rule-words.ts'
import type { RuleLine, Rules } from '../rules.ts'

/** The reason why packets never come to a rule, or do not match it. */
export type Bypass =
  /** A rule before it, or before the jump to it, takes the packets out of the chain. */
  | { readonly kind: 'ahead'; readonly rule: string; readonly chain: Chain }
  /** No rule jumps to its chain. */
  | { readonly kind: 'unused'; readonly chain: Chain }
  /** The packets pass other hooks than that of its chain. */
  | { readonly kind: 'hook'; readonly chain: Chain }
  /** The packets come to the rule or to the jump, and do not match. */
  | { readonly kind: 'misfit'; readonly rule: string; readonly chain: Chain }

/** Returns why no packet matched a rule; `undefined` if some did, or the reason is unknown. */
export function bypassOf(
  { where, text }: RuleLine,
  culprit: Culprit,
  rules: Rules,
  passed: readonly RuleLine[],
  port: OpenedPort,
): Bypass | undefined {
  const chains = chainsIn(rules)
  const chain = chains.find((each) => each.where === where && each.rules.includes(text))
  const hasPassed = (rule: string, at: string): boolean =>
    passed.some((each) => each.where === at && sameRule(each.text, rule))
  if (chain === undefined || hasPassed(text, where)) return undefined
  const taker = chains.find((each) => each.where === culprit.where && each.name === culprit.chain)
  const hooks = hooksOf(chain, chains)
  const takenAt = taker === undefined ? [] : hooksOf(taker, chains)
  if (hooks.length === 0) return { kind: 'unused', chain }
  if (chain.table !== 'nat' && where === culprit.where && !hooks.some((hook) => takenAt.includes(hook))) {
    return { kind: 'hook', chain }
  }
  let [at, rule] = [chain, text]
  for (;;) {
    const { where: its, rules: all } = at
    const ahead = all
      .slice(0, all.indexOf(rule))
      .find((each) => fitsPort(each, port) && hasPassed(each, its) && leaves(each, taker, chains))
    if (ahead !== undefined) return { kind: 'ahead', rule: ahead, chain: at }
    const jumps = jumpsTo(at, chains)
    if (at.hook !== undefined || jumps.some((jump) => hasPassed(jump.rule, its))) {
      return { kind: 'misfit', rule, chain: at }
    }
    ;({ chain: at, rule } = jumps[0]!)
  }
}

/** Returns true if a matching packet leaves the chain: the rule returns, decides, or leads to the taking chain. */
function leaves(rule: string, taker: Chain | undefined, chains: readonly Chain[]): boolean {
  if (/ -j (?:RETURN|ACCEPT|DROP|REJECT|TARPIT)\b| -g |\b(?:return|accept|drop|reject|goto)\b/.test(rule)) return true
  return taker !== undefined && leadsTo(jumpOf(rule), taker, chains)
}

function leadsTo(name: string | undefined, taker: Chain, chains: readonly Chain[]): boolean {
  if (name === undefined) return false
  if (name === taker.name) return true
  return jumpsTo(taker, chains).some(({ chain }) => chain.hook === undefined && leadsTo(name, chain, chains))
}

/** Compares two rules without their packet counts, which the kernel's trace shows and listings leave out. */
function sameRule(one: string, other: string): boolean {
  return withoutCount(one) === withoutCount(other)
}

function withoutCount(rule: string): string {
  return rule.replaceAll(/\bcounter(?: packets \d+ bytes \d+)? ?/g, '').trim()
}
