import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { STATE_DIR_DEFAULT } from '../state/folder.ts'

export { STATE_DIR_DEFAULT } from '../state/folder.ts'

const HASH_CHARS = 8

/**
 * Returns the path of the journal. Several daemons may run side by side, as with knockd, each with its own config or
 * interfaces. Each has its own state, and finds it again when started with the same config and interfaces. A daemon that
 * runs as its `User` has a folder of its own in that of root.
 */
export function statePath(
  folder: string | undefined,
  config: string,
  interfaces: readonly string[],
  isUsers = false,
): string {
  const file = realpathSync(config)
  const hash = createHash('sha256')
    .update(JSON.stringify([file, ...interfaces]))
    .digest('hex')
    .slice(0, HASH_CHARS)
  const journal = join(folder ?? STATE_DIR_DEFAULT, `${basename(file)}-${hash}.journal`)
  return isUsers ? usersJournal(journal) : journal
}

/** Returns the journal of the same daemon as a user, from its journal as root. */
export function usersJournal(journal: string): string {
  return join(journal.replace(/\.journal$/, '.user'), basename(journal))
}

/** Returns the path of the key beside the journal that makes the marks of holders. */
export function marksPath(journal: string): string {
  return `${journal.replace(/\.journal$/, '')}.key`
}

/** Returns the folder beside the journal for the lists of one-time sequences that the daemon makes. */
export function listFolder(journal: string): string {
  return `${journal.replace(/\.journal$/, '')}.lists`
}

/** Returns the path of the counts beside the journal. */
export function countersPath(journal: string): string {
  return `${journal.replace(/\.journal$/, '')}.counters`
}
