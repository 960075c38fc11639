import type { Family } from '../../packet/address.ts'
import { chainsIn } from './chains.ts'
import type { Culprit } from './culprit.ts'
import type { OpenedPort } from '../ports.ts'
import { judges, toAnyHere } from './rule-words.ts'
import type { Rules } from '../rules.ts'

/** Returns a rule that exempts packets of the ports from connection tracking: they are never `established`. */
export function untrackedBy(
  rules: Pick<Rules, 'saved' | 'tables'>,
  ports: readonly OpenedPort[],
  family: Family,
): Culprit | undefined {
  for (const { where, name, rules: all } of chainsIn(rules)) {
    if (
      where.startsWith(family === 4 ? 'ip6' : 'iptables') ||
      new RegExp(`^table ip${family === 4 ? '6' : ''} `).test(where)
    )
      continue
    const rule = all.find(
      (each) =>
        /-j (?:NOTRACK|CT --notrack)\b|\bnotrack\b/.test(each) && ports.some((port) => judges(toAnyHere(each), port)),
    )
    if (rule !== undefined) return { where, chain: name, rule }
  }
  return undefined
}
