import { readFileSync } from 'node:fs'
import type { Account } from './account.ts'

/** The account of the config's `User`. In a process of root, its group may read secrets and write lists. */
let daemonUser: Pick<Account, 'uid' | 'gid'> | undefined
let isDaemonTrusted = false

/** Lets a process of root accept files that are shared with a config's `User`; `undefined`: with nobody. */
export function shareWith(account: Pick<Account, 'uid' | 'gid'> | undefined): void {
  daemonUser = account
}

/**
 * Lets a process of root read the files of the daemon's user, or stops that. Only for processes that change nothing,
 * such as a replay.
 */
export function trustDaemon(does = true): void {
  isDaemonTrusted = does
}

/** Returns true for the permitted owners of files: root and the user of this process. */
export function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.() || (isDaemonTrusted && uid === daemonUser?.uid)
}

/**
 * Returns true for the one group that may read root's secret files. It is the first group of the daemon's user, if
 * nobody else is in it. The daemon itself runs as that user, and a process of root reads the user in the config.
 */
export function isDaemonGroup(gid: number): boolean {
  const uid = process.geteuid?.() ?? 0
  const { uid: only, gid: shared } = uid === 0 ? (daemonUser ?? {}) : { uid, gid: process.getegid?.() }
  return gid !== 0 && gid === shared && isPrivateGroup(gid, readText, (each) => isTrusted(each) || each === only)
}

/**
 * Returns true if only trusted users are in a group, as in a group that adduser(8) makes for one user. A group that is
 * not in group(5), say one of a directory service, is not private.
 */
export function isPrivateGroup(
  gid: number,
  read: (path: string) => string = readText,
  isTrustedUser: (uid: number) => boolean = isTrusted,
): boolean {
  try {
    const group = rows(read('/etc/group')).find(([, , number]) => Number(number) === gid)
    if (group === undefined) return false
    const members = (group[3] ?? '').split(',').filter((name) => name !== '')
    const users = rows(read('/etc/passwd'))
    if (!members.every((member) => users.some(([name]) => name === member))) return false
    return users.every(
      ([name = '', , uid, primary]) =>
        isTrustedUser(Number(uid)) || (Number(primary) !== gid && !members.includes(name)),
    )
  } catch {
    return false
  }
}

function readText(path: string): string {
  return readFileSync(path, 'utf8')
}

function rows(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => line.trim().split(':'))
}
