import { TCP, UDP } from '../packet/packet.ts'
import { LISTENING, UNCONNECTED, isLoopback, socketsOf } from './sockets.ts'
import type { ReadTable } from './sockets.ts'

/** Ports on which something listens. */
export interface Listening {
  readonly [TCP]: ReadonlySet<number>
  readonly [UDP]: ReadonlySet<number>
}

/** The ports on which a program of this machine listens for others. Empty where the system does not list its sockets. */
export function listeningPorts(read?: ReadTable): Listening {
  const ports = { [TCP]: new Set<number>(), [UDP]: new Set<number>() }
  for (const protocol of [TCP, UDP] as const) {
    for (const { state, address, port } of socketsOf(protocol, read)) {
      if (state === (protocol === TCP ? LISTENING : UNCONNECTED) && !isLoopback(address)) ports[protocol].add(port)
    }
  }
  return ports
}
