import { fchmodSync, fchownSync } from 'node:fs'
import type { Options } from '../config/config.ts'
import { findAccount } from './account.ts'
import { shareWith } from './private-group.ts'

/** The owner and mode of a file. */
export interface FileOwner {
  readonly uid: number
  readonly gid: number
  /** Permission bits. */
  readonly mode: number
  /** User and group as chown(1) takes them: `root:_postern`. */
  readonly text: string
}

/** There is no user with the name in `User`. */
export class NoUserError extends Error {
  constructor(name: string) {
    super(`there is no user ${name}\n  useradd --system --user-group --shell /usr/sbin/nologin ${name}`)
    this.name = 'NoUserError'
  }
}

/**
 * Returns the owner and mode of a new file with a secret that the daemon of this config reads: root and mode 0600, or
 * root, the group of the config's `User`, and mode 0640. If root does not write it, it belongs to the one who does.
 *
 * @param use `written`: the daemon also writes it, as it does one-time lists
 * @throws NoUserError
 */
export function ownerOfSecrets({ user }: Pick<Options, 'user'>, use: 'read' | 'written' = 'read'): FileOwner {
  const [uid, own] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0]
  if (user === undefined || uid !== 0) {
    return { uid, gid: own, mode: 0o600, text: uid === 0 ? 'root:root' : `${uid}:${own}` }
  }
  const account = findAccount(user)
  if (account === undefined) throw new NoUserError(user)
  const { gid, group } = account
  return { uid: 0, gid, mode: use === 'written' ? 0o660 : 0o640, text: `root:${group}` }
}

/** Lets a process of root read the files that are shared with the `User` of a config. */
export function shareWithUser({ user }: Pick<Options, 'user'>): void {
  shareWith(user === undefined ? undefined : findAccount(user))
}

/** Gives an open file its owner and mode, before anything secret is written to it. @throws the system's error */
export function giveTo(fd: number, { uid, gid, mode }: FileOwner): void {
  fchownSync(fd, uid, gid)
  fchmodSync(fd, mode)
}
