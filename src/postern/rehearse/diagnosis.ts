import { portText } from '../../twin/ports.ts'
import type { PlacedDoor } from '../../lint/placed-door.ts'
import { isIptables } from '../../lint/iptables.ts'
import { BY_ELEMENT } from '../../lint/rule.ts'
import { programName } from '../../lint/shell.ts'
import type { Family } from '../../packet/address.ts'
import { explainFailure } from '../../twin/cause/command-failure.ts'
import type { Observation } from '../../twin/observation.ts'
import { explainSession, explainShut } from '../../twin/cause/rule-failure.ts'
import { publishedIn, targetText } from '../../twin/cause/published.ts'
import { ruleLines } from '../../twin/rules.ts'
import { commandOf, placeOf, portNames, quoteRule } from '../../twin/cause/explanation.ts'
import type { Context, Explanation } from '../../twin/cause/explanation.ts'

/** A fault that the rehearsal found, with its fix. */
export interface Finding {
  readonly door: string
  readonly families: readonly Family[]
  /** The 1-based place of the fault in the config. For a fault of the machine it is the place of the door. */
  readonly line: number
  readonly column: number
  readonly message: string
  readonly hint?: string
}

/** Explains the observations: returns all faults, in the order of doors. Pure. */
export function diagnose(observations: readonly Observation[], context: Context): readonly Finding[] {
  const findings: Finding[] = []
  for (const observation of observations) {
    const door = context.doors.get(observation.door)!
    for (const { place = door, message, hint } of explain(observation, door, observations, context)) {
      const { line, column } = place
      const same = findings.findIndex(
        (other) => other.line === line && other.column === column && other.message === message,
      )
      const twin = findings[same]
      const families = twin?.families ?? []
      // The hints of both families are kept: `iptables …` for IPv4 and `ip6tables …` for IPv6.
      const hints = [...new Set([twin?.hint, hint].flatMap((each) => each?.split('\n    ') ?? []))]
      const finding: Finding = {
        door: door.door.name,
        families: [...new Set([...families, observation.family])],
        line,
        column,
        message,
        ...(hints.length === 0 ? {} : { hint: hints.join('\n    ') }),
      }
      if (same < 0) findings.push(finding)
      else findings[same] = finding
    }
  }
  return findings
}

function explain(
  observation: Observation,
  door: PlacedDoor,
  all: readonly Observation[],
  context: Context,
): readonly Explanation[] {
  if (observation.notTried !== undefined) return []
  const said: (Explanation | undefined)[] = [
    explainPublished(observation) ?? explainOpenBefore(observation, all, context),
  ]
  if (!observation.seen) said.push(explainUnseen(observation))
  const { shuts, inside } = observation
  // If no source is let in there is nothing to shut, and the command may fail.
  const failed = observation.commands.find(({ part, status }) => part === 'start' && status !== 0 && (!shuts || inside))
  const faultyBefore = observation.family === 6 && all.some((other) => isFaulty4(other, observation.door))
  if (failed !== undefined) said.push(explainFailure(failed, observation, door, context, faultyBefore))
  else if (staysShut(observation)) said.push(explainShut(observation, door, context))
  if (observation.others.includes('open')) said.push(explainEveryone(observation, door))
  if (observation.survived === false) said.push(explainSession(observation, door))
  if (failed === undefined && !shuts) said.push(explainLeft(observation, door, context))
  if (failed === undefined && shuts && inside && observation.closed === null) {
    const message = `${portNames(observation)} is still open to the address that another door let in`
    said.push({ ...placeOf(commandOf(door, 'start', observation.family)), message })
  }
  said.push(...explainWrong(observation, door, context))
  return said.filter((each) => each !== undefined)
}

/** Returns true if a door that should open a port did not. */
function staysShut({ seen, meant, shuts, opened, before }: Observation): boolean {
  return seen && meant && !shuts && opened.some((ms, index) => ms === null && before[index] !== 'open')
}

function isFaulty4(observation: Observation, name: string): boolean {
  const { door, family, commands } = observation
  const failed = commands.some(({ part, status }) => part === 'start' && status !== 0)
  return door === name && family === 4 && (failed || staysShut(observation))
}

/** Explains an open port that a container publishes: chain INPUT does not filter it. */
function explainPublished({ before, ports, family, shuts, rulesOpen }: Observation): Explanation | undefined {
  const open = ports.find((_, index) => before[index] === 'open')
  if (open === undefined || shuts || rulesOpen === undefined) return undefined
  const { protocol, port } = open
  const published = publishedIn(ruleLines(rulesOpen).map(({ text }) => text)).find(
    (each) => each.protocol === protocol && each.port === port && each.to.address.family === family,
  )
  if (published === undefined) return undefined
  const message = `${protocol}/${port} is open to everyone without any knock: ${quoteRule(published.rule)} forwards its packets to ${targetText(published)}, and chain INPUT never sees them`
  const hint = `let the guard hide and open it, ahead of that rule: \`Open_Ports = ${protocol}/${port}\` in place of the commands`
  return { message, hint }
}

function explainOpenBefore(
  observation: Observation,
  all: readonly Observation[],
  { hide }: Context,
): Explanation | undefined {
  const { door, family, before, ports } = observation
  const open = ports.filter((_, index) => before[index] === 'open')
  if (open.length === 0 || observation.shuts) return undefined
  const names = open.map(portText).join(', ')
  const twin = all.find((other) => other.door === door && other.family !== family)
  const hiddenThere = twin !== undefined && twin.notTried === undefined && !twin.before.includes('open')
  const everyOpen = all.flatMap((each) => each.ports.filter((_, index) => each.before[index] === 'open' && !each.shuts))
  const cure = `with \`Open_Ports = ${names.replaceAll(' ', '')}\` in the door the guard hides it, and established connections stay: ${hide(everyOpen)}`
  if (hiddenThere) {
    const message = `${names} is open to everyone over IPv${family} without any knock: the rules that hide it are for IPv${twin.family} only`
    return { message, hint: cure }
  }
  const message = `${names} is open to everyone without any knock: no rule of this machine hides it`
  const elsewhere = 'if only neighbours of this machine are let in, knock from elsewhere: --from ADDRESS'
  return { message, hint: `${cure}\n    ${elsewhere}` }
}

function explainUnseen({ family }: Observation): Explanation {
  if (family === 6) {
    const hint = 'without neighbour discovery nobody reaches this machine over IPv6: let ICMPv6 in'
    return { message: 'no knock arrives over IPv6', hint }
  }
  return {
    message: 'the daemon does not see the knock',
    hint: 'does it listen on the interface that the knock comes in on?',
  }
}

function explainEveryone(observation: Observation, door: PlacedDoor): Explanation {
  const start = commandOf(door, 'start', observation.family)
  const message = `${portNames(observation)} opens to everyone, not only to the address that knocked`
  return { ...placeOf(start), message, hint: 'name the source: `%IP%` is the address that knocked' }
}

function explainLeft(observation: Observation, door: PlacedDoor, { faults }: Context): Explanation | undefined {
  const { left, lost, closed, source = '', family, seen, commands } = observation
  const stop = commandOf(door, 'stop', family)
  if (!seen || !observation.shutsItself) return undefined
  const lint = faults.find(({ line, file }) => line === stop?.line && file === undefined)
  const failed = commands.find(({ part, status }) => part === 'stop' && status !== 0)
  const ruleText = (text: string): string => text.replaceAll(source, '%IP%')
  const place = lint === undefined ? placeOf(stop) : { place: lint }
  const printed = failed?.output[0] === undefined ? '' : `; its message: ${failed.output[0].replace(/\.$/, '')}`
  if (left.length > 0) {
    const [rule] = left
    const taken = lost.length === 0 ? '' : `, and removes ${quoteRule(lost[0]!.text)} of this machine`
    const message = `the stop command does not remove what the start command added: ${quoteRule(ruleText(rule!.text))} stays in ${rule!.where}${taken}${printed}`
    return { ...place, message, hint: lint?.hint ?? undoing(door, family) }
  }
  if (lost.length > 0) {
    const message = `the stop command removes a rule of this machine: ${quoteRule(lost[0]!.text)} of ${lost[0]!.where} is gone`
    return { ...place, message, hint: lint?.hint ?? undoing(door, family) }
  }
  if (failed !== undefined) {
    const message = `the stop command fails with exit code ${failed.status}${printed}`
    return { ...place, message, ...(lint?.hint === undefined ? {} : { hint: lint.hint }) }
  }
  if (closed !== null || observation.opened[0] === null || observation.before.includes('open')) return undefined
  const message = `${portNames(observation)} is still open after the deadline, though no rule is left over`
  return { ...place, message }
}

/** Returns the hint for removing what a start command added. */
function undoing(door: PlacedDoor, family: Family): string {
  const commands = (['start', 'stop'] as const).flatMap((part) => commandOf(door, part, family)?.script.commands ?? [])
  const names = commands.map((words) => programName(words))
  if (names.includes('nft')) return BY_ELEMENT
  if (names.includes('ufw')) return 'repeat the rule of the start command word by word, with `delete` after `ufw`'
  return names.every((name) => isIptables(name))
    ? 'repeat the rule of the start command word by word, with -D'
    : 'remove what the start command added, and nothing else'
}

function explainWrong(observation: Observation, door: PlacedDoor, { scanPortsLine }: Context): readonly Explanation[] {
  const { wrongOrder, slowKnock, portScan } = observation
  const said: Explanation[] = []
  const at = door.entries.sequence ?? door.entries.oneTime
  const place = at === undefined ? {} : { place: { line: at.line, column: at.valueColumn } }
  if (wrongOrder === true) said.push({ ...place, message: 'the knocks in another order open it too' })
  if (slowKnock === true) {
    const message = 'a knock that takes longer than Seq_Timeout opens it too'
    said.push({ ...place, message })
  }
  if (portScan === true) {
    const scanPlace = scanPortsLine === undefined ? place : { place: { line: scanPortsLine, column: 1 } }
    const hint = 'use three knocks or more, not in ascending order, and leave Scan_Ports as it is'
    said.push({ ...scanPlace, message: 'a port scan opens it', hint })
  }
  return said
}
