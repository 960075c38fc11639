import { isFwknop } from '../../config/secret.ts'
import type { Config, Door, Service } from '../../config/config.ts'
import type { Network } from '../../packet/network.ts'
import { ADDRESS_BITS } from '../../packet/network.ts'
import { mergeNetworks, mergeServices } from './merge.ts'

/** The ports that the guard hides, the networks that it lets through, and the doors that open the ports. */
export interface GuardPlan {
  /** The hidden services, in ranges that do not touch. */
  readonly services: readonly Service[]
  readonly hideWith: 'match' | 'reset' | 'drop'
  readonly alwaysAllow: readonly Network[]
  /**
   * A port of this host on which nothing listens, for TCP and UDP. With `match`, packets of unknown sources go there.
   */
  readonly closedPort: number
  /** The services that doors may forward connections to; empty means none. */
  readonly forwardTo: readonly Service[]
  /**
   * The doors that open port ranges, networks or ports of other hosts. The number of each is in the names of its sets.
   */
  readonly wide: ReadonlyMap<string, number>
}

/** The closed port is a privileged one, so that no outgoing connection happens to use it. */
const CLOSED_PORT_MAX = 1_023

/**
 * Returns the guard's plan for a config; `undefined` if nothing is guarded.
 *
 * @param listens returns true if a program of this host listens on a port, TCP or UDP
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

/**
 * Returns the services that packets at a door may have connections forwarded to. Only fwknop packets can ask for
 * forwarding.
 */
export function forwardsOf({ secret, forwardTo = [] }: Door): readonly Service[] {
  return isFwknop(secret) ? forwardTo : []
}

/** Returns true if a door opens more than single ports of this host for a single address. */
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
  // A guarded port answers like any other closed port. A host that listens on all of them has no answer to copy.
  return guarded ?? CLOSED_PORT_MAX
}
