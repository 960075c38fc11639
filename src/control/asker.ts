import type { Socket } from 'node:net'
import { peerProcess } from '../native/socket-options.ts'
import type { Request } from './message.ts'

/** The user who sends requests over the control socket. */
export interface Asker {
  /** The user id, or `undefined` if the system does not tell it. */
  readonly user: number | undefined
  /** True for root, and for the user that the daemon runs as. Anyone else is a member of Control_Group. */
  readonly isOwner: boolean
}

/** The commands for members of Control_Group, as documented in knockd.conf(5). */
const MEMBER_COMMANDS: ReadonlySet<Request['command']> = new Set(['status', 'metrics', 'events', 'open', 'close'])

/** Returns the user who has connected, as the kernel reports it. */
export function askerAt(client: Socket): Asker {
  const user = peerOf(client)?.uid
  return { user, isOwner: user !== undefined && (user === 0 || user === process.geteuid?.()) }
}

/** Returns the process at the other end of a socket; `undefined`: the system does not tell it. */
export function peerOf(socket: Socket): ReturnType<typeof peerProcess> {
  // Node has the descriptor, but no documented access to it.
  const handle = Reflect.get(socket, '_handle') as { readonly fd?: unknown } | null
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? peerProcess(handle.fd) : undefined
}

/** Returns true if the user is permitted to send this command. */
export function mayAsk({ isOwner }: Asker, { command }: Request): boolean {
  return isOwner || MEMBER_COMMANDS.has(command)
}
