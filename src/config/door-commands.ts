import type { Family } from '../packet/address.ts'
import type { Commands, Door } from './config.ts'

/** Returns the door's commands for an address family. */
export function commandsOf({ commands4, commands6 }: Door, family: Family): Commands {
  return family === 4 ? commands4 : commands6
}

/** Returns true if opening the door runs a command for either address family. */
export function hasCommands({ commands4, commands6 }: Door): boolean {
  return commands4.start !== undefined || commands6.start !== undefined
}

/** Returns true if a door shuts automatically after its time: the guard or a stop command closes it. */
export function shutsItself(door: Door, family: Family): boolean {
  return door.opens.length > 0 || commandsOf(door, family).stop !== undefined
}
