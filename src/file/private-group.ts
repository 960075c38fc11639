import { readFileSync } from 'node:fs'

/** Returns true for the permitted owners of files: root and the user of this process. */
export function isTrusted(uid: number): boolean {
  return uid === 0 || uid === process.geteuid?.()
}

/**
 * Returns true if only trusted users are in a group, as in a group that adduser(8) makes for one user. A group that is
 * not in group(5), say one of a directory service, is not private.
 */
export function isPrivateGroup(
  gid: number,
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): boolean {
  try {
    const group = rows(read('/etc/group')).find(([, , number]) => Number(number) === gid)
    if (group === undefined) return false
    const members = (group[3] ?? '').split(',').filter((name) => name !== '')
    const users = rows(read('/etc/passwd'))
    if (!members.every((member) => users.some(([name]) => name === member))) return false
    return users.every(
      ([name = '', , uid, primary]) => isTrusted(Number(uid)) || (Number(primary) !== gid && !members.includes(name)),
    )
  } catch {
    return false
  }
}

function rows(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => line.trim().split(':'))
}
