import type { Socket } from 'node:net'
import { peerUser } from '../native/socket-options.ts'
import type { Request } from './message.ts'

/** Who asks over the control socket. */
export interface Asker {
  /** The number of the user; `undefined` where the system does not say. */
  readonly user: number | undefined
  /** Root, or the user that the daemon runs as. Anyone else is a member of Control_Group. */
  readonly isOwner: boolean
}

/** What members of Control_Group may ask: what knockd.conf(5) names. */
const MEMBER_COMMANDS: ReadonlySet<Request['command']> = new Set(['status', 'open', 'close'])

/** The kernel's word for who has connected. */
export function askerAt(client: Socket): Asker {
  // Node has the descriptor, but documents no way to it.
  const handle = Reflect.get(client, '_handle') as { readonly fd?: unknown } | null
  const user = typeof handle?.fd === 'number' && handle.fd >= 0 ? peerUser(handle.fd) : undefined
  return { user, isOwner: user !== undefined && (user === 0 || user === process.geteuid?.()) }
}

/** Whether whoever asks may ask this at all. */
export function mayAsk({ isOwner }: Asker, { command }: Request): boolean {
  return isOwner || MEMBER_COMMANDS.has(command)
}
