import { CMD_TIMEOUT_DEFAULT_MS, FWKNOP_OPEN_MAX_MS, SEQ_TIMEOUT_DEFAULT_MS } from './config.ts'
import type { Commands, Door } from './config.ts'
import { DOORS } from './directive.ts'
import type { DoorEntries, DoorValues } from './directive.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import { NOT_WIDENED } from './networks.ts'
import type { Entry } from '../text/directive.ts'
import type { Section } from '../text/section.ts'
import { checkSecret, secretOf, warnOfIdle } from './secret-directives.ts'

/** One empty list for all doors: a config may have very many doors. */
const NONE: readonly never[] = []

/** Reads a section as a door, with the places of its directives. It is usable only if `faults` got no error. */
export function readDoor(section: Section, faults: FaultList): { readonly door: Door; readonly entries: DoorEntries } {
  const { name, line, column } = section
  const { values, entries, complete } = DOORS.settle(section, faults)
  if (section.entries.length === 0 && complete) {
    faults.error(line, column, `door ${quote(name)} is empty`, 'it needs a Sequence, and Open_Ports or a Start_Command')
  } else {
    checkSecret(section, values, entries, complete, faults)
    if (complete) requireCommand(section, values, entries, faults)
    warnOfTimes(values, entries, faults)
    if (entries.opens === undefined) {
      const portless = [entries.widen, entries.extend, entries.forwardTo]
      warnOfIdle(portless, 'without Open_Ports', 'add `Open_Ports = tcp/22`, or take it out', faults)
    }
  }
  const commands4: Commands = { start: values.start4 || undefined, stop: values.stop4 || undefined }
  const door: Door = {
    name,
    line,
    secret: secretOf(values),
    seqTimeoutMs: values.seqTimeout ?? SEQ_TIMEOUT_DEFAULT_MS,
    tcpFlags: values.tcpFlags,
    target: values.target,
    opens: values.opens ?? NONE,
    ...(values.forwardTo === undefined ? {} : { forwardTo: values.forwardTo }),
    allowFrom: values.allowFrom ?? NONE,
    widen: values.widen ?? NOT_WIDENED,
    extendWhileConnected: values.extend === 'yes',
    commands4,
    commands6: commands6Of(values, commands4),
    cmdTimeoutMs: values.cmdTimeout ?? (values.spa === 'fwknop' ? FWKNOP_OPEN_MAX_MS : CMD_TIMEOUT_DEFAULT_MS),
    cooldownMs: values.cooldown ?? 0,
    ...(values.commandsAsRoot === 'yes' ? { commandsAsRoot: true } : {}),
    ...(values.scope === 'fleet' ? { scope: 'fleet' } : {}),
    ...(values.opensOn === undefined || values.opensOn.length === 0 ? {} : { opensOn: values.opensOn }),
  }
  return { door, entries }
}

function commands6Of({ start6, stop6 }: DoorValues, commands4: Commands): Commands {
  const start = start6 === undefined ? commands4.start : start6 || undefined
  const stop = stop6 === undefined ? commands4.stop : stop6 || undefined
  // Without a start command for IPv6, the stop command of IPv4 has nothing to undo.
  return { start, stop: start === undefined ? undefined : stop }
}

function requireCommand(section: Section, values: DoorValues, entries: DoorEntries, faults: FaultList): void {
  const { start4, start6, stop4, stop6 } = values
  if (!start4 && !start6) {
    // Ports that cannot be read have already been reported.
    if (entries.opens !== undefined && !stop4 && !stop6) return
    const stop = [entries.stop4, entries.stop6].find((entry) => entry !== undefined && entry.value !== '')
    const at = stop ?? entries.start4 ?? entries.start6
    const what = stop === undefined ? 'no command' : 'a stop command but no start command'
    const hint =
      stop === undefined ? 'add `Open_Ports = tcp/22` or `Start_Command = COMMAND`' : 'add `Start_Command = COMMAND`'
    const message = `door ${quote(section.name)} has ${what}`
    faults.error(at?.line ?? section.line, at?.keyColumn ?? section.column, message, hint)
    return
  }
  if (!start4 && stop4) lonelyStop(entries.stop4!, 'IPv4', faults)
  if (!(start6 ?? start4) && stop6) lonelyStop(entries.stop6!, 'IPv6', faults)
}

function lonelyStop(entry: Entry, family: string, faults: FaultList): void {
  const message = `${quote(entry.key)} has nothing to undo: there is no start command for ${family}`
  faults.error(entry.line, entry.keyColumn, message, 'take it out, or add the start command')
}

function warnOfTimes(values: DoorValues, entries: DoorEntries, faults: FaultList): void {
  const { cmdTimeout, cooldown } = entries
  const stops = Boolean(values.stop4) || Boolean(values.stop6)
  const opens = entries.opens !== undefined
  if (opens && values.cmdTimeout === 0 && cmdTimeout !== undefined) {
    faults.error(cmdTimeout.line, cmdTimeout.valueColumn, 'the ports would be open for no time at all', 'as in `30s`')
  }
  if (cmdTimeout !== undefined && !stops && !opens) {
    const message = `${quote(cmdTimeout.key)} without a stop command: what is opened stays open`
    faults.warning(cmdTimeout.line, cmdTimeout.keyColumn, message, 'add `Stop_Command = COMMAND`')
  }
  if (cmdTimeout !== undefined && stops && values.cmdTimeout === 0) {
    const message = 'the stop command runs at once after the start command'
    faults.warning(cmdTimeout.line, cmdTimeout.valueColumn, message, 'allow enough time to connect')
  }
  const hint = 'knocking again while it is open extends the opening'
  if (stops) warnOfIdle([cooldown], 'in a door with a stop command', hint, faults)
}
