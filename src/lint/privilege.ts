import type { Config } from '../config/config.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import type { PlacedDoor } from './placed-door.ts'
import { programName } from './shell.ts'

/** Programs that only work for root: they gain its rights, ask for its user id, or write its files. */
const ROOTS = /^(?:sudo|doas|pkexec|su|runuser|ufw|firewall-cmd|ip6?tables-legacy|systemctl|service|modprobe)$/

/** Warns of programs that need root in commands that run as the config's `User`. */
export function warnOfRights({ door, commands }: PlacedDoor, { options }: Config, faults: FaultList): void {
  const { user } = options
  if (user === undefined || door.commandsAsRoot === true) return
  for (const command of new Set([commands.start4, commands.stop4, commands.start6, commands.stop6])) {
    if (command === undefined) continue
    const { wrappers, commands: programs } = command.script
    const named = [...wrappers.map((word) => [word]), ...programs]
    const word = named.find((words) => ROOTS.test(programName(words)))?.[0]
    if (word === undefined) continue
    const message = `${quote(word.text)} needs root, and this command runs as ${user}`
    faults.warning(command.line, command.column + word.offset, message, 'set `Commands_As_Root = yes` in this door')
  }
}
