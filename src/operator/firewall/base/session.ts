import { readFileSync } from 'node:fs'
import { formatAddress, parseAddress } from '../../../packet/address.ts'
import { TCP } from '../../../packet/packet.ts'
import { ESTABLISHED, socketsOf } from '../../../host/sockets.ts'

/** sshd(8) says there who is connected: address and port of the client, then of the server. */
const VARIABLE = 'SSH_CONNECTION'
/** Processes above this one that are asked, since sudo(8) takes the variable away. */
const ANCESTORS_MAX = 32

/** The ssh connection that this command was typed in, as {@link connections} names it; `undefined`: none. */
export function sshConnection(): string | undefined {
  let value = process.env[VARIABLE]
  let pid = process.ppid
  for (let above = 0; value === undefined && pid > 1 && above < ANCESTORS_MAX; above++) {
    value = environmentOf(pid)
      .find((one) => one.startsWith(`${VARIABLE}=`))
      ?.slice(VARIABLE.length + 1)
    pid = parentOf(pid)
  }
  const [address = '', port = ''] = value?.split(' ') ?? []
  const parsed = parseAddress(address.replace(/%.*$/, ''))
  return parsed === undefined ? undefined : nameOf(formatAddress(parsed), Number(port))
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

function environmentOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function parentOf(pid: number): number {
  try {
    return Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
  } catch {
    return 0
  }
}
