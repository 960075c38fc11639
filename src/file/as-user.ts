import { beRootAgain, becomeEffectively } from '../native/credentials.ts'
import type { Account } from './account.ts'

/**
 * Does something with the rights that a user has to files: in the user's name, in no group but the user's first one, and
 * without root's capabilities. The work is synchronous, since all threads of this process change their user. Meanwhile
 * the policy of private files judges as the daemon does that runs as this user. Only root can call it.
 *
 * @throws the system's error if this process may not change users, and what the work throws
 */
export function asUser<T>({ uid, gid }: Pick<Account, 'uid' | 'gid'>, work: () => T): T {
  const before = { gid: process.getegid!(), groups: process.getgroups!() }
  try {
    becomeEffectively({ uid, gid, groups: [gid] })
    return work()
  } finally {
    beRootAgain(before)
  }
}
