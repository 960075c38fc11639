import { REMEDIES } from '../../remedy/remedies.ts'
import type { Remedy } from '../../remedy/remedies.ts'
import { IPTABLES } from '../rehearse/rules.ts'
import type { Rules } from '../rehearse/rules.ts'
import type { Finding } from './finding.ts'

/** Tables of ours, in which such a rule is. */
const OURS = /^inet postern/

/** Firewalls that refuse what comes in and have no rule for established connections: a session ends when its door shuts. */
export function judgeEstablished({ saved, tables }: Rules): readonly Finding[] {
  const findings: Finding[] = []
  for (const kind of IPTABLES) {
    const text = saved[kind]
    const refuses = /^:INPUT DROP|^-A INPUT\b.* -j (?:DROP|REJECT)\b/m.test(text)
    const passes = /^-A .*(?:--ctstate|--state) \S*ESTABLISHED\S* .*-j ACCEPT/m.test(text)
    if (!refuses || passes) continue
    const program = kind.replace('-nft', '')
    findings.push(finding(program, REMEDIES.establishedIptables(program)))
  }
  for (const { name, text } of tables) {
    if (OURS.test(name)) continue
    const input = /^\tchain (\S+) \{\n\t\ttype filter hook input [^\n]*/m.exec(text)
    if (input === null) continue
    const refuses = input[0].includes('policy drop') || /\b(?:drop|reject)\b/.test(text.slice(input.index))
    const passes = /ct state [^\n]*\bestablished\b[^\n]*\baccept/.test(text)
    if (!refuses || passes) continue
    findings.push(finding(`table ${name}`, REMEDIES.establishedNft(name, input[1]!)))
  }
  return findings
}

function finding(where: string, mend: Remedy): Finding {
  const message = `${where} refuses what comes in and lets no established connection pass: a session dies when its door shuts`
  return { severity: 'fault', subject: 'established', message, mend }
}
