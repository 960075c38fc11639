import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { basename, join } from 'node:path'
import { STATE_DIR_DEFAULT } from '../state/folder.ts'

export { STATE_DIR_DEFAULT } from '../state/folder.ts'

const HASH_CHARS = 8

/**
 * The journal's file. Several daemons may run side by side as they did under knockd, each with a config, interfaces or
 * a pid file of its own; each has its own state, and finds it again when it is started the same way.
 */
export function statePath(folder: string | undefined, config: string, interfaces: readonly string[]): string {
  const file = realpathSync(config)
  const hash = createHash('sha256')
    .update(JSON.stringify([file, ...interfaces]))
    .digest('hex')
    .slice(0, HASH_CHARS)
  return join(folder ?? STATE_DIR_DEFAULT, `${basename(file)}-${hash}.journal`)
}

/** The file of the key under which the journal's holders are marked, beside it. */
export function marksPath(journal: string): string {
  return `${journal.replace(/\.journal$/, '')}.key`
}

/** The folder of the lists of one-time sequences that the daemon makes, beside its journal. */
export function listFolder(journal: string): string {
  return `${journal.replace(/\.journal$/, '')}.lists`
}
