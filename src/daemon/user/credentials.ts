import type { Account } from '../../file/account.ts'
import {
  CAP_NET_ADMIN,
  DAEMON_CAPABILITIES,
  forbidNewPrivileges,
  keepCapabilities,
  passNetAdmin,
  readThreads,
} from '../../native/credentials.ts'
import type { ThreadCredentials } from '../../native/credentials.ts'

/**
 * Checks that every thread of this process is the user's, and has no other capabilities than the daemon's. Programs get
 * none of them from now on, except commands of doors, which get CAP_NET_ADMIN to open something.
 *
 * @throws Error if a thread has more rights
 */
export function keepToUser(account: Account): void {
  const threads = readThreads()
  for (const thread of threads) {
    const more = moreThan(thread, account)
    if (more === undefined) continue
    throw new Error(
      `thread ${thread.thread} has ${more}, which User = ${account.name} does not allow\n` +
        '  start knockd as root, or with the capabilities CAP_NET_RAW and CAP_NET_ADMIN alone',
    )
  }
  forbidNewPrivileges()
  keepCapabilities()
  const [main] = threads
  if (main !== undefined && (main.inheritable >> BigInt(CAP_NET_ADMIN)) % 2n === 1n) passNetAdmin()
}

/** Returns the rights of a thread beyond those of the daemon's user; `undefined`: it has none. */
export function moreThan(thread: ThreadCredentials, { uid, gid }: Pick<Account, 'uid' | 'gid'>): string | undefined {
  const { uids, gids, permitted, effective, inheritable } = thread
  const other = uids.find((each) => each !== uid)
  if (uids.length === 0 || other !== undefined) return `the user id ${other ?? 'of nobody'}`
  const group = gids.find((each) => each !== gid)
  if (group !== undefined) return `the group id ${group}`
  const more = (permitted | effective | inheritable) & ~DAEMON_CAPABILITIES
  return more === 0n ? undefined : `the capabilities ${more.toString(16)}`
}
