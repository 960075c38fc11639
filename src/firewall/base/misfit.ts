import type { Config, Service } from '../../config/config.ts'
import { hasCommands } from '../../config/door-commands.ts'
import { without } from '../guard/merge.ts'
import { basePlan } from './ruleset.ts'

/** The differences between a base ruleset and a config, as ports of this host. */
export interface Misfit {
  /** Ports that the config opens or guards, but that the base ruleset always refuses. */
  readonly refused: readonly Service[]
  /**
   * Ports that the base ruleset leaves to the guard, but that the config no longer guards. Everybody can reach them.
   */
  readonly exposed: readonly Service[]
  /** The names of doors that run commands. The base ruleset may undo what the commands do. */
  readonly commandDoors: readonly string[]
}

/** The contents of a confirmed base ruleset. */
export interface BaseTerms {
  readonly allowed: readonly Service[]
  readonly guarded: readonly Service[]
  /** The names of the doors with commands that the operator was told of. */
  readonly commandDoors: readonly string[]
}

/** Compares a base ruleset with the current config. */
export function misfitOf({ allowed, guarded, commandDoors }: BaseTerms, config: Config): Misfit {
  const wanted = basePlan(config, []).guarded
  return {
    refused: without(wanted, [...allowed, ...guarded]),
    exposed: without(guarded, [...wanted, ...allowed]),
    commandDoors: commandDoorsOf(config).filter((name) => !commandDoors.includes(name)),
  }
}

/** Returns the names of the doors that run a command when they open. */
export function commandDoorsOf({ doors }: Config): readonly string[] {
  return doors.filter(hasCommands).map(({ name }) => name)
}
