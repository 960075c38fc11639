import type { Config, Service } from '../../config/config.ts'
import { basePlan } from './ruleset.ts'

/** How a base ruleset and a config have come apart. Ports of this host. */
export interface Misfit {
  /** Ports that the config opens or guards, and that the base ruleset refuses whoever knocks. */
  readonly refused: readonly Service[]
  /** Ports that the base ruleset leaves to the guard, and that the config no longer guards: everybody reaches them. */
  readonly exposed: readonly Service[]
  /** Names of doors that run commands, which the base ruleset may undo. */
  readonly commandDoors: readonly string[]
}

/** What a confirmed base ruleset lets in. */
export interface BaseTerms {
  readonly allowed: readonly Service[]
  readonly guarded: readonly Service[]
  /** Doors that run commands, of which the operator was told. */
  readonly commandDoors: readonly string[]
}

/** Compares a base ruleset with the config as it is now. */
export function misfitOf({ allowed, guarded, commandDoors }: BaseTerms, config: Config): Misfit {
  const wanted = basePlan(config, []).guarded
  return {
    refused: without(wanted, [...allowed, ...guarded]),
    exposed: without(guarded, [...wanted, ...allowed]),
    commandDoors: commandDoorsOf(config).filter((name) => !commandDoors.includes(name)),
  }
}

/** Doors that run a command when they open. */
export function commandDoorsOf({ doors }: Config): readonly string[] {
  return doors
    .filter(({ commands4, commands6 }) => commands4.start !== undefined || commands6.start !== undefined)
    .map(({ name }) => name)
}

/** The ports of the first list that are not in the second, in ranges. */
export function without(services: readonly Service[], others: readonly Service[]): readonly Service[] {
  let left = [...services]
  for (const other of others) left = left.flatMap((service) => minus(service, other))
  return left
}

function minus(service: Service, other: Service): readonly Service[] {
  const { first, last, protocol } = service
  if (protocol !== other.protocol || other.last < first || last < other.first) return [service]
  return [
    ...(first < other.first ? [{ ...service, last: other.first - 1 }] : []),
    ...(other.last < last ? [{ ...service, first: other.last + 1 }] : []),
  ]
}
