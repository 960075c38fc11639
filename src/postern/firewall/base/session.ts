import { ESTABLISHED, socketsOf } from '../../../host/sockets.ts'
import { sshSession } from '../../../host/ssh.ts'
import { formatAddress, parseAddress } from '../../../packet/address.ts'
import { TCP } from '../../../packet/packet.ts'
import { isLoopback } from '../../../packet/scope.ts'

/** The ssh connection or terminal program in which a command was typed. */
export interface TypedIn {
  /** The ssh connection, by its name in {@link connections}; `undefined` without one. */
  readonly connection: string | undefined
  /** A program around the shell that outlasts connections, such as tmux: then the user's connection is unknown. */
  readonly multiplexer: string | undefined
  /** True if the connection comes from this machine, as through a tunnel. No rule refuses it. */
  readonly isLocal: boolean
}

/** Determines where this command was typed. */
export function typedIn(): TypedIn {
  const { peer, address, multiplexer } = sshSession()
  if (peer === undefined) return { connection: undefined, multiplexer, isLocal: false }
  const from = parseAddress(peer.address)
  const isLocal = peer.address === address || (from !== undefined && isLoopback(from))
  return { connection: nameOf(peer.address, peer.port), multiplexer, isLocal }
}

/** Returns true if this command may have been typed over the network. */
export function isRemote(): boolean {
  const { connection, multiplexer } = typedIn()
  return connection !== undefined || multiplexer !== undefined
}

/** Returns the names of the other ends of this host's established TCP connections. */
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
