import { chmodSync, chownSync, closeSync, constants, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { findAccount } from '../../file/account.ts'
import { giveTo, ownerOfSecrets } from '../../file/owner.ts'
import type { Plan } from './choices.ts'

/** The user that Postern's package makes for the daemon. */
const NAME = '_postern'
/** The mode of a folder that the user's group may pass through. */
const FOLDER_MODE = 0o750
/** The permission bits for passing through a folder, of its group and of others. */
const GROUP_PASSES = 0o010
const OTHERS_PASS = 0o001

/** Returns the user that the daemon is to run as; `undefined`: this machine does not have it. */
export function daemonUser(): string | undefined {
  return findAccount(NAME)?.name
}

/**
 * Gives an open file, the config or a secret, to the daemon of a plan: `root:_postern` and mode 0640, or root and 0600.
 *
 * @throws NoUserError, or the system's error
 */
export function giveToDaemon(fd: number, { user }: Pick<Plan, 'user'>): void {
  giveTo(fd, ownerOfSecrets({ user }))
}

/** Gives a secret's file to the daemon of a plan, and has the daemon pass through the folders above it. */
export function giveSecret(path: string, plan: Pick<Plan, 'user'>): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    giveToDaemon(fd, plan)
  } finally {
    closeSync(fd)
  }
  if (plan.user === undefined) return
  const { gid } = ownerOfSecrets(plan)
  for (let folder = dirname(path); folder !== '/'; folder = dirname(folder)) {
    const { mode, gid: group } = statSync(folder)
    if ((mode & OTHERS_PASS) !== 0 || (group === gid && (mode & GROUP_PASSES) !== 0)) continue
    chownSync(folder, 0, gid)
    chmodSync(folder, FOLDER_MODE)
  }
}
