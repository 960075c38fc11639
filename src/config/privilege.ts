import type { Config, Door } from './config.ts'
import { hasCommands } from './door-commands.ts'
import { isFwknop } from './secret.ts'

/** A directive for which a daemon with a `User` stays root. */
export interface RootNeed {
  /** The line of the directive, from 1. */
  readonly line: number
  /** The reason, for messages. */
  readonly why: string
}

/** Returns the first directive of a config that keeps the daemon root; `undefined`: nothing does. */
export function rootNeed({ options, doors, places }: Config): RootNeed | undefined {
  const { startHook, stopHook, onEvent, hooksAsRoot } = options
  if (hooksAsRoot && (startHook ?? stopHook ?? onEvent[0]) !== undefined) {
    return { line: places.options.hooksAsRoot?.line ?? 1, why: 'Hooks_As_Root is set for its hooks' }
  }
  const door = doors.find(needsRoot)
  if (door === undefined) return undefined
  const line = places.doors.get(door)?.entries.commandsAsRoot?.line ?? door.line
  return { line, why: `Commands_As_Root is set for door ${door.name}` }
}

/** Returns true if a door has commands that need root. fwknop's packets may bring their own. */
export function needsRoot(door: Door): boolean {
  return door.commandsAsRoot === true && (hasCommands(door) || isFwknop(door.secret))
}
