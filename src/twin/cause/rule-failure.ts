import type { PlacedDoor } from '../../lint/placed-door.ts'
import { hooksAt } from './chains.ts'
import { BASE_TABLE } from '../../firewall/base/ruleset.ts'
import { answering } from '../../firewall/allow.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { Culprit } from './culprit.ts'
import { explainUnmatched } from './misfit.ts'
import type { Observation } from '../observation.ts'
import type { RuleLine, Rules } from '../rules.ts'
import { IPTABLES } from '../rules.ts'
import { commandOf, placeName, placeOf, portNames, quoteRule } from './explanation.ts'
import type { Context, Explanation } from './explanation.ts'
import { untrackedBy } from './untracked.ts'

/** The table of Postern's base ruleset. */
const BASE = `table ${BASE_TABLE}`

/** Explains why a port stayed shut though its door's command did not fail. */
export function explainShut(observation: Observation, door: PlacedDoor, context: Context): Explanation {
  const { allow } = context
  const { added, culprit, family, source = '' } = observation
  const start = commandOf(door, 'start', family)
  const ports = portNames({ ports: observation.ports.filter((_, index) => observation.opened[index] === null) })
  const rule = added.find(({ text }) => text.startsWith('-A')) ?? added[0]
  if (culprit === undefined) {
    const message =
      rule === undefined && start !== undefined
        ? `${ports} stays shut: the start command succeeds, but changes no rule of the firewall`
        : `${ports} stays shut, though no rule takes its packets away`
    return { ...placeOf(start), message }
  }
  const at = `${quoteRule(culprit.rule)} in ${placeName(culprit)}`
  const { opens } = door.entries
  if (takesAnswers(culprit, observation.rulesOpen)) {
    const place = opens === undefined ? placeOf(start) : { place: { line: opens.line, column: opens.valueColumn } }
    const message = `${ports} stays shut: packets to it come in, but ${at} takes the answers`
    return {
      ...place,
      message,
      hint: `let the answers of connections out: ${answering(observation.ports[0]!, culprit)}`,
    }
  }
  if (opens !== undefined) {
    const message = `${ports} stays shut: the guard lets the knocker in, but ${at} takes the packets all the same`
    const port = observation.ports.find((_, index) => observation.opened[index] === null)
    const command = port === undefined ? undefined : allow(port, culprit)
    const hint =
      command === undefined
        ? "allow the port where it is taken, too: the guard hides it, and the machine's own firewall filters after it"
        : `the guard hides the port, and the machine's own firewall has to allow it: ${command}`
    return { place: { line: opens.line, column: opens.valueColumn }, message, hint }
  }
  if (rule === undefined) {
    return {
      ...placeOf(start),
      message: `${ports} stays shut: the door changes no rule, and ${at} takes its packets first`,
    }
  }
  const own = quoteRule(rule.text.replaceAll(source, '%IP%'))
  const append = start?.script.commands.flat().find(({ text }) => text === '-A' || text === '--append')
  if (append !== undefined && isAhead(culprit, rule, observation.rulesOpen)) {
    const message = `the rule never takes effect: it comes after ${at}, which takes the packets first`
    return { ...placeOf(start, append.offset), message, hint: 'write `-I` for `-A`: it puts the rule first' }
  }
  const unmatched = explainUnmatched(rule, observation, start, context)
  if (unmatched !== undefined) return unmatched
  const message = `${ports} stays shut: the rule of the start command, ${own} in ${rule.where}, does not keep ${at} from taking the packets`
  const [port] = observation.ports
  const applied = culprit.where === BASE && port !== undefined ? allow(port, culprit) : undefined
  if (applied !== undefined) {
    const hint = `the base ruleset accepts what the guard opens: add \`Open_Ports = ${ports.replaceAll(' ', '')}\`, then: ${applied}`
    return { ...placeOf(start), message, hint }
  }
  const hint =
    rule.where === culprit.where
      ? 'the door has to open where the packets are taken: insert its rule before that one'
      : 'a packet has to be accepted in every table: let the door open it there, too'
  return { ...placeOf(start), message, hint }
}

/** Explains why an established connection ended at the deadline. */
export function explainSession(observation: Observation, door: PlacedDoor): Explanation {
  const { family, sessionCulprit, rulesOpen } = observation
  const place = placeOf(commandOf(door, 'stop', family))
  const untracked = rulesOpen === undefined ? undefined : untrackedBy(rulesOpen, observation.ports, family)
  if (untracked !== undefined) {
    const at = `${quoteRule(untracked.rule)} in ${placeName(untracked)}`
    const message = `a session dies at the deadline: ${at} keeps its packets from being tracked, so no rule knows it as established`
    return {
      ...place,
      message,
      hint: `remove the rule that keeps ${portNames(observation)} from being tracked, in both directions`,
    }
  }
  if (sessionCulprit !== undefined && takesAnswers(sessionCulprit, rulesOpen)) {
    const at = `${quoteRule(sessionCulprit.rule)} in ${placeName(sessionCulprit)}`
    const message = `a session dies at the deadline: ${at} takes its answers`
    const hint = `let the answers of connections out: ${answering(observation.ports[0]!, sessionCulprit)}`
    return { ...place, message, hint }
  }
  const taken =
    sessionCulprit === undefined
      ? ''
      : `: ${quoteRule(sessionCulprit.rule)} in ${placeName(sessionCulprit)} takes its packets`
  const message = `a session dies at the deadline${taken}, as no rule before lets established connections pass`
  return { ...place, message, hint: cureOf(sessionCulprit, family) }
}

function cureOf(culprit: Culprit | undefined, family: 4 | 6): string {
  const table = /^table (.*)$/.exec(culprit?.where ?? '')?.[1]
  if (table !== undefined) return REMEDIES.establishedNft(table, culprit!.chain)
  const program = culprit?.where ?? (family === 4 ? 'iptables' : 'ip6tables')
  return REMEDIES.establishedIptables(program)
}

/** Returns true if a culprit filters packets that this machine sends. */
export function takesAnswers(culprit: Culprit, rules: Pick<Rules, 'saved' | 'tables'> | undefined): boolean {
  return rules !== undefined && hooksAt(culprit, rules).join() === 'output'
}

/** Returns true if the culprit is before the rule in the same chain. A chain's policy comes after all of its rules. */
function isAhead(
  { where, chain, rule }: Culprit,
  { where: ownWhere, text }: RuleLine,
  rules: Rules | undefined,
): boolean {
  if (where !== ownWhere || !text.startsWith(`-A ${chain} `) || rules === undefined) return false
  const kind = IPTABLES.find((each) => each.replace('-nft', '') === where)
  const lines = kind === undefined ? [] : rules.saved[kind].split('\n')
  const culprit = lines.indexOf(rule)
  return culprit >= 0 && culprit < lines.lastIndexOf(text)
}
