import { ESTABLISHED, socketsOf } from '../../../host/sockets.ts'
import { sshSession } from '../../../host/ssh.ts'
import { formatAddress } from '../../../packet/address.ts'
import { TCP } from '../../../packet/packet.ts'

/** Where a command was typed. */
export interface TypedIn {
  /** The ssh connection, as {@link connections} names it; `undefined`: none. */
  readonly connection: string | undefined
  /** The program around it that outlasts connections: whose connection it is typed in cannot be told. */
  readonly multiplexer: string | undefined
}

/** Where this command was typed. */
export function typedIn(): TypedIn {
  const { peer, multiplexer } = sshSession()
  return { connection: peer === undefined ? undefined : nameOf(peer.address, peer.port), multiplexer }
}

/** Whether this command may have been typed over the network. */
export function isRemote(): boolean {
  const { connection, multiplexer } = typedIn()
  return connection !== undefined || multiplexer !== undefined
}

/** The other ends of this host's established TCP connections. */
export function connections(): readonly string[] {
  const names: string[] = []
  for (const { state, peer, peerPort } of socketsOf(TCP)) {
    if (state === ESTABLISHED) names.push(nameOf(formatAddress(peer), peerPort))
  }
  return names
}

function nameOf(address: string, port: number): string {
  return `${address} port ${port}`
}
