import type { CommandText, PlacedDoor } from './placed-door.ts'
import { writtenKnocks } from '../config/secret.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import { textOf } from './change.ts'
import { changesOf } from './firewall.ts'
import { isIptables, mistypedChain } from './iptables.ts'
import { isTypographic, warnOfPaste } from './paste.ts'
import { warnOfFlush, warnOfHandles, warnOfRule } from './rule.ts'
import { programName } from './shell.ts'
import type { Simple } from './shell.ts'
import { undoFaults } from './undo.ts'

/** Warns of commands that do not have the intended effect. */
export function warnOfCommands(door: PlacedDoor, faults: FaultList): void {
  const { start4, stop4, start6, stop6 } = door.commands
  for (const command of new Set([start4, stop4, start6, stop6])) {
    if (command === undefined) continue
    warnOfPaste(command, faults)
    warnOfPermanence(command, faults)
    warnOfFlush(command, faults)
    warnOfHandles(command, faults)
  }
  for (const start of new Set([start4, start6])) {
    if (start === undefined) continue
    warnOfRule(start, faults)
    warnOfOpening(door, start, faults)
  }
  warnOfUndo(start4, stop4, faults)
  if (start6 !== start4 || stop6 !== stop4) {
    const hint = stop6 === stop4 ? 'add `Stop_Command_6`: without one this is run for IPv6 too' : undefined
    warnOfUndo(start6, stop6, faults, hint)
  }
}

function warnOfUndo(
  start: CommandText | undefined,
  stop: CommandText | undefined,
  faults: FaultList,
  betterHint?: string,
): void {
  if (start === undefined || stop === undefined || isMirrored(start.text, stop.text)) return
  if (isTypographic(start.text) || isTypographic(stop.text)) return
  // A command that makes no rule needs no undoing.
  if (start.script.commands.some((words) => mistypedChain(words) !== undefined)) return
  for (const { offset, message, hint } of undoFaults(start.script, stop.script, start.line)) {
    faults.warning(stop.line, stop.column + offset, message, betterHint ?? hint)
  }
}

/** Returns true if the two commands add and delete the same iptables rule, letter by letter. Most do. */
function isMirrored(start: string, stop: string): boolean {
  const option = / -[AI] /.exec(start)
  if (option === null || !/^[\w/-]*ip6?tables [^;&|`$#'"\\()]*$/.test(start)) return false
  return `${start.slice(0, option.index)} -D ${start.slice(option.index + option[0].length)}` === stop
}

/** Warns of `firewall-cmd --permanent`, which takes effect only at the next reload. */
function warnOfPermanence(command: CommandText, faults: FaultList): void {
  const { text, line, column } = command
  if (!text.includes('--permanent') || /--(complete-)?reload|reload\s+firewalld|restart\s+firewalld/.test(text)) return
  for (const words of command.script.commands) {
    if (programName(words) !== 'firewall-cmd') continue
    const permanent = words.find((word) => word.text === '--permanent')
    if (permanent === undefined) continue
    const message = '`--permanent` without `--reload` has no effect now, and leaks at the next reload'
    const hint = 'leave `--permanent` out, or add `&& firewall-cmd --reload`'
    faults.warning(line, column + permanent.offset, message, hint)
    return
  }
}

/** Warns of a rule that opens to everyone, and of an opening by a single knock. */
function warnOfOpening(door: PlacedDoor, command: CommandText, faults: FaultList): void {
  const { text, line, column } = command
  // Variables may hold the address as well, and a misspelt `%IP%` has already been reported.
  const toEveryone = !text.includes('%IP%') && !/[$`]|%\s?ip|ip\s?%/i.test(text)
  const { sequence } = door.entries
  const bySingleKnock = writtenKnocks(door.door.secret).length === 1
  if (!toEveryone && !bySingleKnock) return
  const opening = command.script.commands.flatMap((words) => changesOf(words) ?? []).find(({ opens }) => opens)
  if (opening === undefined) return
  if (toEveryone) {
    const message = `${quote(opening.head)} opens to everyone, not only to the address that knocked`
    faults.warning(line, column + opening.offset, message, 'name the source: `%IP%` is the address that knocked')
  }
  if (bySingleKnock && sequence !== undefined) {
    const message = `door ${quote(door.door.name)} opens at a single knock: any scan of that port opens it`
    faults.warning(sequence.line, sequence.valueColumn, message, 'use three knocks or more')
  }
}

/** Most doors that one hint names. */
const NAMED_DOORS_MAX = 3

/**
 * Warns of IPv4 commands that also run for knocks over IPv6. It warns once, as most configs have them in every door.
 */
export class Fallbacks {
  readonly #faults: FaultList
  #first: { readonly name: string; readonly command: CommandText } | undefined
  /** The other doors with such a command. */
  readonly #names: string[] = []

  constructor(faults: FaultList) {
    this.#faults = faults
  }

  add(door: PlacedDoor): void {
    const command = fallback(door)
    if (command === undefined) return
    if (this.#first === undefined) this.#first = { name: door.door.name, command }
    else this.#names.push(door.door.name)
  }

  end(): void {
    if (this.#first === undefined) return
    const { name, command } = this.#first
    const program = programName(command.script.commands.find((each) => takesOnlyIPv4(each))!)
    const message = `door ${quote(name)}: this command also runs for knocks over IPv6, but ${quote(program)} refuses IPv6 addresses here`
    const others = this.#names.slice(0, NAMED_DOORS_MAX).map(quote)
    if (this.#names.length > NAMED_DOORS_MAX) others.push(`${this.#names.length - NAMED_DOORS_MAX} more`)
    const also = others.length === 0 ? '' : ` (also ${others.join(', ')})`
    const hint = `add \`Start_Command_6\`: the IPv6 command, or nothing after the = to do nothing${also}`
    const { line, column } = command
    this.#faults.add({ severity: 'warning', line, column, message, hint, last: true })
  }
}

/** Returns the start command if it is for IPv4 only but would run for IPv6 too. */
function fallback({ entries, door, commands: { start4 } }: PlacedDoor): CommandText | undefined {
  if (start4 === undefined || entries.start6 !== undefined || door.target?.family === 4) return undefined
  const { text } = start4
  if (!text.includes('%IP%') || text.includes('ip6') || !/iptables|firewall-cmd|nft/.test(text)) return undefined
  // The usual command is recognised without splitting it.
  if (/^[\w/-]*\biptables [^;&|`$#'"\\()]*$/.test(text)) return start4
  const { commands, opaque } = start4.script
  return !opaque && commands.some((command) => takesOnlyIPv4(command)) ? start4 : undefined
}

function takesOnlyIPv4(command: Simple): boolean {
  if (!command.some(({ text }) => text.includes('%IP%'))) return false
  const name = programName(command)
  if (isIptables(name)) return name.startsWith('iptables')
  if (name === 'firewall-cmd') return command.some(({ text }) => /family=["']?ipv4/.test(text))
  return name === 'nft' && /\bip saddr\b/.test(textOf(command))
}
