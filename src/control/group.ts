import { readFileSync } from 'node:fs'

/** Returns the id of a group (group(5)), or `undefined` if there is no such group. */
export function groupId(
  name: string,
  read: () => string = () => readFileSync('/etc/group', 'utf8'),
): number | undefined {
  for (const line of read().split('\n')) {
    const [its, , id] = line.split(':')
    if (its === name && id !== undefined && /^[0-9]+$/.test(id)) return Number(id)
  }
  return undefined
}
