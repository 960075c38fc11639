import type { Disk } from './disk.ts'

/** Most damaged journals kept aside. */
export const DAMAGED_MAX = 99

/**
 * Gives a damaged journal a second name, `.damaged-1` or the next free one, and returns it.
 *
 * @throws the system's error, or an Error if {@link DAMAGED_MAX} are kept already
 */
export async function setAside(disk: Pick<Disk, 'link'>, path: string): Promise<string> {
  for (let n = 1; n <= DAMAGED_MAX; n++) {
    const name = `${path}.damaged-${n}`
    try {
      await disk.link(path, name)
      return name
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  throw new Error(`${DAMAGED_MAX} damaged journals already exist`)
}
