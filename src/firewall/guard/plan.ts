import type { Config, Door, Service } from '../../config/config.ts'
import type { Network } from '../../packet/network.ts'
import { ADDRESS_BITS } from '../../packet/network.ts'
import { mergeNetworks, mergeServices } from './merge.ts'

/** What the guard hides, from whom, and which doors open it. */
export interface GuardPlan {
  /** In ranges that do not touch. */
  readonly services: readonly Service[]
  readonly hideWith: 'match' | 'reset' | 'drop'
  readonly alwaysAllow: readonly Network[]
  /** A port of this host on which nothing listens, TCP or UDP: with `match`, strangers are sent there. */
  readonly closedPort: number
  /** Where doors may send connections on to; empty: nowhere. */
  readonly forwardTo: readonly Service[]
  /** Doors whose openings are ranges or networks, by name; each has a set of its own, under this number. */
  readonly wide: ReadonlyMap<string, number>
}

/** Privileged ports, so that no program's outgoing connection happens to be there. */
const CLOSED_PORT_MAX = 1_023

/**
 * What the config asks of the guard; `undefined`: nothing is guarded.
 *
 * @param listens whether a program of this host listens on a port, TCP or UDP
 */
export function planOf(config: Config, listens: (port: number) => boolean): GuardPlan | undefined {
  const { options, doors } = config
  const services = mergeServices([...options.guard, ...doors.flatMap(({ opens }) => opens)])
  if (services.length === 0) return undefined
  const wide = doors.filter((door) => door.opens.length > 0 && isWide(door)).map(({ name }) => name)
  return {
    services,
    hideWith: options.hideWith,
    alwaysAllow: mergeNetworks(options.alwaysAllow),
    closedPort: closedPort(services, listens),
    forwardTo: mergeServices(doors.flatMap(forwardsOf)),
    wide: new Map(wide.map((name, index) => [name, index])),
  }
}

/** Where packets at a door may have connections sent on to; only fwknop's can ask for that. */
export function forwardsOf({ secret, forwardTo = [] }: Door): readonly Service[] {
  return secret.kind === 'spa' && secret.protocol.startsWith('fwknop') ? forwardTo : []
}

/** Whether an opening of the door is more than single ports of this host for a single address. */
export function isWide({ opens, widen }: Door): boolean {
  if (widen[4] < ADDRESS_BITS[4] || widen[6] < ADDRESS_BITS[6]) return true
  return opens.some(({ first, last, host }) => first !== last || host !== undefined)
}

function closedPort(services: readonly Service[], listens: (port: number) => boolean): number {
  let guarded: number | undefined
  for (let port = 1; port <= CLOSED_PORT_MAX; port++) {
    if (listens(port)) continue
    if (!services.some(({ first, last }) => first <= port && port <= last)) return port
    guarded ??= port
  }
  // One that is guarded answers as well as another. A host that listens on all of them has none to copy the answer of.
  return guarded ?? CLOSED_PORT_MAX
}
