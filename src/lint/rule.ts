import { textOf } from './change.ts'
import type { CommandText } from './placed-door.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import { chainOf, isIptables, mistypedChain } from './iptables.ts'
import { programName } from './shell.ts'
import type { Simple, Word } from './shell.ts'

/** The beginnings of commands that remove more than one door's rule, by program. */
const FLUSHING: ReadonlyMap<string, RegExp> = new Map([
  ['nft', /^(?:-\S+ )*(?:flush (?:ruleset|table|chain|set|map)|(?:delete|destroy) (?:table|chain))\b/],
  ['ipset', /^(?:-\S+ )*(?:flush|destroy|-F|-X|--flush|--destroy)\b/],
  ['ufw', /^(?:--force )?(?:reset|disable)\b/],
])

/** Warns of a command that empties a chain, a set or a firewall. It removes much more than its door added. */
export function warnOfFlush(command: CommandText, faults: FaultList): void {
  // Most commands are recognised without splitting them.
  if (!/-[FX]\b|flush|delete|destroy|reset|disable/.test(command.text)) return
  const { script, line, column } = command
  for (const words of script.commands) {
    if (!flushes(words)) continue
    const message = `${quote(textOf(words))} removes everything, including the rules of others`
    const hint = 'remove only the rule or element that the start command added'
    faults.warning(line, column + words[0]!.offset, message, hint)
  }
}

function flushes(words: Simple): boolean {
  const name = programName(words)
  const rest = textOf(words.slice(1))
  if (isIptables(name)) return words.some(({ text }) => /^(-[FX]|--flush|--delete-chain)$/.test(text))
  return FLUSHING.get(name)?.test(rest.replace(/^['"]/, '')) ?? false
}

/** The usual command: one rule of a built-in chain, without any option that is checked here. */
const USUAL =
  /^[\w/-]*\bip6?tables -[AI] (?:INPUT|FORWARD|OUTPUT) (?!.*(?: -d |--dst|--dest|--s(?:ource-)?port))[^;&|`$#'"\\()]*$/

/** Warns of rules that the firewall refuses, or that match no packet of the knocker. */
export function warnOfRule(command: CommandText, faults: FaultList): void {
  if (USUAL.test(command.text)) return
  const { script, line, column } = command
  for (const words of script.commands) {
    const warn = ({ offset }: Word, message: string, hint: string): void =>
      faults.warning(line, column + offset, message, hint)
    const mistyped = mistypedChain(words)
    if (mistyped !== undefined) {
      const { word, meant } = mistyped
      warn(word, `iptables has no chain ${quote(word.text)} by itself`, `did you mean ${quote(meant)}?`)
    }
    if (chainOf(words)?.chain.text !== 'INPUT') continue
    const option = (fits: RegExp): number => words.findIndex(({ text }) => fits.test(text))
    const destination = option(/^(-d|--dst|--destination)$/)
    if (words[destination + 1]?.text.startsWith('%IP%') === true && destination >= 0) {
      const message = `${quote(`${words[destination]!.text} %IP%`)} matches packets to the address that knocked, not those that come from it`
      warn(words[destination]!, message, 'write `-s %IP%`')
    }
    const source = option(/^--(sport|source-port)s?$/)
    if (source >= 0 && option(/^--(d|destination-)ports?$/) < 0) {
      const { text } = words[source]!
      const message = `${quote(text)} matches packets from that port of the client, not those that go to it here`
      warn(words[source]!, message, `write ${quote(text.replace('source', 'destination').replace('sport', 'dport'))}`)
    }
  }
}

/** Warns of `nft delete rule` with the rule's text. nft refuses it, and the rule stays. */
export function warnOfHandles(command: CommandText, faults: FaultList): void {
  if (!/\brule\b/.test(command.text)) return
  const { script, line, column } = command
  for (const words of script.commands) {
    const text = textOf(words.slice(1))
    if (programName(words) !== 'nft' || !/^(?:-\S+ )*(?:delete|destroy) rule\b/.test(text)) continue
    if (/\bhandle\b|[$`]/.test(text)) continue
    const message = 'nftables deletes a rule by its handle alone, and refuses this'
    faults.warning(line, column + words[0]!.offset, message, BY_ELEMENT)
  }
}

/** The hint for openings by nft: a set element can be deleted by the stop command. */
export const BY_ELEMENT =
  'let the start command add a set element, which `delete element` removes: a rule is deleted by its handle alone'
