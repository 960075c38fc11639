import { readFileSync } from 'node:fs'
import { isTrusted } from './policy.ts'

/**
 * Whether nobody but trusted users is in a group of this machine, as in the group of a user's own that adduser(8) makes.
 * A group that is not in group(5), of a directory service say, is not private.
 */
export function isPrivateGroup(
  gid: number,
  read: (path: string) => string = (path) => readFileSync(path, 'utf8'),
): boolean {
  try {
    const group = rows(read('/etc/group')).find(([, , number]) => Number(number) === gid)
    if (group === undefined) return false
    const members = (group[3] ?? '').split(',').filter((name) => name !== '')
    const users = rows(read('/etc/passwd')).map(([name, , uid, primary]) => ({
      name,
      uid: Number(uid),
      primary: Number(primary),
    }))
    const known = members.every((member) => users.some(({ name }) => name === member))
    return (
      known &&
      users.every(({ name, uid, primary }) => isTrusted(uid) || (primary !== gid && !members.includes(name ?? '')))
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
