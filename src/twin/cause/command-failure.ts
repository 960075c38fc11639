import type { CommandText, PlacedDoor } from '../../lint/placed-door.ts'
import { quote } from '../../text/fault.ts'
import { firewallProgram } from '../../lint/firewall.ts'
import { builtInChains, chainOf, isIptables } from '../../lint/iptables.ts'
import { isTypographic } from '../../lint/paste.ts'
import { nearest } from '../../text/nearest.ts'
import { programName } from '../../lint/shell.ts'
import type { Simple } from '../../lint/shell.ts'
import { REMEDIES } from '../../remedy/remedies.ts'
import type { CommandRun, Observation } from '../observation.ts'
import { IPTABLES } from '../rules.ts'
import type { Rules } from '../rules.ts'
import { commandOf, placeOf } from './explanation.ts'
import type { Context, Explanation } from './explanation.ts'

/** The shell's exit codes for a missing program, and for one that is not executable (POSIX shell, 2.8.2). */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

/**
 * Explains why a start command failed.
 *
 * @param faultyBefore true if the same command failed or opened nothing over IPv4 too
 */
export function explainFailure(
  run: CommandRun,
  observation: Observation,
  door: PlacedDoor,
  context: Context,
  faultyBefore = false,
): Explanation {
  const command = commandOf(door, run.part, observation.family)
  const [printed] = run.output
  const general: Explanation = {
    ...placeOf(command),
    message: `the ${run.part} command fails with exit code ${run.status}${printed === undefined ? '' : `: ${printed}`}`,
  }
  if (command === undefined) return general
  if (isTypographic(command.text)) return explainTypography(command, general, context)
  const programs = command.script.commands
  if (run.status === NOT_FOUND || run.status === NOT_EXECUTABLE) {
    return explainProgram(run.status, command, programs, printed, context) ?? general
  }
  const chain = explainChain(command, programs, printed, observation.rulesOpen)
  if (chain !== undefined) return chain
  if (observation.family === 6 && isForOtherFamily(command, door)) {
    return explainFamily(command, door, programs, printed, faultyBefore)
  }
  return general
}

function explainTypography(command: CommandText, general: Explanation, { faults }: Context): Explanation {
  const lint = faults.find(({ line, message }) => line === command.line && message.startsWith('typographic'))
  if (lint === undefined) return general
  const message = `${lint.message}: the program reads it as a separate word, and fails`
  return { place: lint, message, ...(lint.hint === undefined ? {} : { hint: lint.hint }) }
}

function explainProgram(
  status: number,
  command: CommandText,
  programs: readonly Simple[],
  printed: string | undefined,
  { programAt }: Context,
): Explanation | undefined {
  const wrapper = command.script.wrappers.find(({ text }) => isNamed(text, printed))
  if (wrapper !== undefined && status === NOT_FOUND) {
    const message = `there is no program ${quote(wrapper.text)} on this machine`
    return { ...placeOf(command, wrapper.offset), message, hint: 'remove it: the daemon runs as root already' }
  }
  const named = programs.map((words) => words[0]!)
  const word = named.find(({ text }) => isNamed(text, printed)) ?? named[0]
  if (word === undefined) return undefined
  if (status === NOT_EXECUTABLE) {
    return {
      ...placeOf(command, word.offset),
      message: `${quote(word.text)} cannot be run`,
      hint: REMEDIES.mode('+x', word.text),
    }
  }
  const place = placeOf(command, word.offset)
  const base = word.text.slice(word.text.lastIndexOf('/') + 1)
  const right = programAt(firewallProgram(base) ?? '')
  const hint = right === undefined ? 'install it, or correct its path' : `write \`${right}\``
  return { ...place, message: `there is no program ${quote(word.text)} on this machine`, hint }
}

/** Returns true if the shell's message names the program: `/bin/sh: 1: NAME: not found`. */
function isNamed(program: string, printed: string | undefined): boolean {
  return ` ${printed ?? ''}`.includes(` ${program}: `)
}

/** Returns true if an IPv4 command runs for IPv6 because the door has no command for IPv6. */
function isForOtherFamily({ text }: CommandText, door: PlacedDoor): boolean {
  return door.entries.start6 === undefined && text.includes('%IP%') && !text.includes('ip6')
}

function explainFamily(
  command: CommandText,
  door: PlacedDoor,
  programs: readonly Simple[],
  printed: string | undefined,
  faultyBefore: boolean,
): Explanation {
  const program = programs.map((words) => programName(words)).find((name) => isIptables(name)) ?? 'the command'
  const message = `for knocks over IPv6 this command runs too, and ${program} refuses their address${printed === undefined ? '' : `: ${printed}`}`
  const stop = door.commands.stop4 === undefined ? '' : ', and `Stop_Command_6` likewise'
  const better = faultyBefore ? undefined : forIPv6(command.text)
  const otherwise = faultyBefore ? ', without the fault that it has over IPv4' : ''
  const hint =
    better === undefined
      ? `add \`Start_Command_6\`: the command for IPv6${otherwise}, or nothing after the = to do nothing${stop}`
      : `add \`Start_Command_6 = ${better}\`${stop}`
  return { ...placeOf(command), message, hint }
}

/** Returns the command for IPv6, if only the program differs. */
function forIPv6(text: string): string | undefined {
  const isOfIPv4 = /\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b|\bicmp\b/.test(text)
  return isOfIPv4 || !/\biptables\b/.test(text) ? undefined : text.replaceAll(/\biptables\b/g, 'ip6tables')
}

function explainChain(
  command: CommandText,
  programs: readonly Simple[],
  printed: string | undefined,
  rules: Rules | undefined,
): Explanation | undefined {
  if (printed === undefined || !/No chain\/target\/match|does not exist|No such file or directory/.test(printed))
    return undefined
  for (const words of programs) {
    const name = programName(words)
    const { table, chain: word } = chainOf(words) ?? {}
    if (table === undefined || word === undefined) continue
    const chains = chainsOf(name, table, rules)
    if (chains.includes(word.text)) continue
    const meant = nearest(word.text, chains)
    const hint = meant === undefined ? `there are: ${chains.join(', ')}` : `did you mean \`${meant}\`?`
    return { ...placeOf(command, word.offset), message: `${name} has no chain ${quote(word.text)}`, hint }
  }
  return undefined
}

/** Returns the chains of a table, those of the rules and the built-in ones. */
export function chainsOf(program: string, table: string, rules: Rules | undefined): readonly string[] {
  const chains = new Set(builtInChains(table))
  for (const kind of IPTABLES) {
    if (!kind.startsWith(program.startsWith('ip6') ? 'ip6' : 'iptables')) continue
    const saved = rules?.saved[kind].split(/^\*/m).find((text) => text.startsWith(`${table}\n`)) ?? ''
    for (const [, chain] of saved.matchAll(/^:(\S+)/gm)) chains.add(chain!)
  }
  return [...chains]
}
