import type { Config, Options } from '../config/config.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import type { CommandText, PlacedDoor } from './placed-door.ts'
import { programName } from './shell.ts'

/** Programs that only work for root: they gain its rights, ask for its user id, or write its files. */
const ROOTS = /^(?:sudo|doas|pkexec|su|runuser|ufw|firewall-cmd|ip6?tables-legacy|systemctl|service|modprobe)$/

/** Warns of programs that need root in a door's commands that run as the config's `User`. */
export function warnOfRights({ door, commands }: PlacedDoor, { options }: Config, faults: FaultList): void {
  if (door.commandsAsRoot === true) return
  warnOfRoot(Object.values(commands), options, 'set `Commands_As_Root = yes` in this door', faults)
}

/** Warns of programs that need root in commands that are told of events, and run as the config's `User`. */
export function warnOfHookRights(commands: readonly CommandText[], { options }: Config, faults: FaultList): void {
  if (!options.hooksAsRoot) warnOfRoot(commands, options, 'set `Hooks_As_Root = yes`', faults)
}

function warnOfRoot(
  commands: readonly (CommandText | undefined)[],
  { user }: Options,
  hint: string,
  faults: FaultList,
): void {
  if (user === undefined) return
  for (const command of new Set(commands)) {
    if (command === undefined) continue
    const { wrappers, commands: programs } = command.script
    const named = [...wrappers.map((word) => [word]), ...programs]
    const word = named.find((words) => ROOTS.test(programName(words)))?.[0]
    if (word === undefined) continue
    const message = `${quote(word.text)} needs root, and this command runs as ${user}`
    faults.warning(command.line, command.column + word.offset, message, hint)
  }
}
