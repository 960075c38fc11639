import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of the daemons' sockets. */
export const RUN_FOLDER = '/run/postern'
const HASH_CHARS = 12

/** Returns the prefix of the names of all control sockets for a config. */
export function socketPrefix(config: string): string {
  return `control-${hashOf(realpathSync(config))}`
}

/** Returns the control socket of the daemon with this config and these `-i` arguments. */
export function socketPath(config: string, interfaces: readonly string[]): string {
  const own = interfaces.length === 0 ? '' : `-${hashOf(interfaces.join())}`
  return join(RUN_FOLDER, `${socketPrefix(config)}${own}.sock`)
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARS)
}
