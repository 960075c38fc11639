import { parseUsers } from '../config/users.ts'
import type { UserLine, UsersReading } from '../config/users.ts'

/** The most texts whose readings are kept. A host of a fleet has the version in force and the next one. */
const KEPT_MAX = 2
/** The shortest text that is kept. Another one takes less than a millisecond or two. */
export const KEPT_MIN_CHARS = 65_536

let kept: readonly { readonly text: string; readonly reading: UsersReading }[] = []

/**
 * Reads a file of users as {@link parseUsers} does. Readings of the last long texts are kept, and so are their lines: a host of a
 * fleet reads the same text for its check, for the door, and after the kernel's notice, and mostly one line is new.
 */
export function readRecentUsers(text: string): UsersReading {
  const same = kept.find((each) => each.text === text)
  const known = (line: string): UserLine | undefined => {
    for (const { reading } of kept) {
      const found = reading.lines.get(line)
      if (found !== undefined) return found
    }
    return undefined
  }
  const one = same ?? { text, reading: parseUsers(text, known) }
  if (text.length < KEPT_MIN_CHARS) return one.reading
  kept = [one, ...kept.filter((each) => each !== one)].slice(0, KEPT_MAX)
  return one.reading
}
