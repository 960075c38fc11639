import { readFileSync } from 'node:fs'

/** The number of a group (group(5)); `undefined` where there is none of that name. */
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
