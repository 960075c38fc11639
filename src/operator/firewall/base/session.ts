import { ESTABLISHED, socketsOf } from '../../../host/sockets.ts'
import { sshPeer } from '../../../host/ssh.ts'
import { formatAddress } from '../../../packet/address.ts'
import { TCP } from '../../../packet/packet.ts'

/** The ssh connection that this command was typed in, as {@link connections} names it; `undefined`: none. */
export function sshConnection(): string | undefined {
  const peer = sshPeer()
  return peer === undefined ? undefined : nameOf(peer.address, peer.port)
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
