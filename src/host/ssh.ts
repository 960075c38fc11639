import { readFileSync } from 'node:fs'
import { formatAddress, parseAddress } from '../packet/address.ts'

/** sshd(8) says there who is connected: address and port of the client, then of the server. */
const VARIABLE = 'SSH_CONNECTION'
/** Processes above this one that are asked, since sudo(8) takes the variable away. */
const ANCESTORS_MAX = 32

/** The other end of a connection. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** Who is at the other end of the ssh connection that this command was typed in; `undefined`: it was not. */
export function sshPeer(): Peer | undefined {
  let value = process.env[VARIABLE]
  let pid = process.ppid
  for (let above = 0; value === undefined && pid > 1 && above < ANCESTORS_MAX; above++) {
    value = environmentOf(pid)
      .find((one) => one.startsWith(`${VARIABLE}=`))
      ?.slice(VARIABLE.length + 1)
    pid = parentOf(pid)
  }
  const [address = '', port = ''] = value?.split(' ') ?? []
  // A link-local address has its interface behind it.
  const parsed = parseAddress(address.replace(/%.*$/, ''))
  return parsed === undefined ? undefined : { address: formatAddress(parsed), port: Number(port) }
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
