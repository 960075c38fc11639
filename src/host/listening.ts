import { TCP, UDP } from '../packet/packet.ts'
import { isLoopback } from '../packet/scope.ts'
import { LISTENING, UNCONNECTED, socketsOf } from './sockets.ts'
import type { ReadTable } from './sockets.ts'

/** The ports on which programs listen. */
export interface Listening {
  readonly [TCP]: ReadonlySet<number>
  readonly [UDP]: ReadonlySet<number>
}

/** Returns the ports on which programs of this machine listen for other hosts. Empty if the system lists no sockets. */
export function listeningPorts(read?: ReadTable): Listening {
  const ports = { [TCP]: new Set<number>(), [UDP]: new Set<number>() }
  for (const protocol of [TCP, UDP] as const) {
    for (const { state, address, port } of socketsOf(protocol, read)) {
      if (state === (protocol === TCP ? LISTENING : UNCONNECTED) && !isLoopback(address)) ports[protocol].add(port)
    }
  }
  return ports
}

/** Looks at the ports on which programs listen now, and returns a test for these, TCP or UDP. */
export function listeningNow(read?: ReadTable): (port: number) => boolean {
  const ports = listeningPorts(read)
  return (port) => ports[TCP].has(port) || ports[UDP].has(port)
}
