import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import type { OpenedPort } from '../../twin/ports.ts'
import { withoutEstablished } from '../../twin/cause/refusing.ts'
import type { Rules } from '../../twin/rules.ts'
import type { Finding } from './finding.ts'

/**
 * Finds firewalls that filter the ports of doors and have no rule for established connections. A session ends there
 * when its door shuts.
 */
export function judgeEstablished(rules: Rules, ports: readonly OpenedPort[]): readonly Finding[] {
  return withoutEstablished(rules, 'input', ports).map(({ where, name }) => {
    const table = /^table (.*)$/.exec(where)?.[1]
    const fix = table === undefined ? REMEDIES.establishedIptables(where) : REMEDIES.establishedNft(table, name)
    return finding(where, fix)
  })
}

function finding(where: string, fix: Remedy): Finding {
  const message = `${where} refuses what comes in and lets no established connection pass: a session dies when its door shuts`
  return { severity: 'fault', subject: 'established', message, fix }
}
