import { createHash } from 'node:crypto'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

/** The folder of the daemons' sockets. */
export const RUN_FOLDER = '/run/postern'
const HASH_CHARS = 12
/** The suffix of the folder that root makes for the socket of a daemon that runs as its `User`. */
export const USERS_FOLDER = '.user'

/** Returns the prefix of the names of all control sockets for a config. */
export function socketPrefix(config: string): string {
  return `control-${hashOf(realpathSync(config))}`
}

/**
 * Returns the control socket of the daemon with this config and these `-i` arguments.
 *
 * @param isUsers true if the daemon runs as its `User`
 */
export function socketPath(config: string, interfaces: readonly string[], isUsers = false): string {
  const own = interfaces.length === 0 ? '' : `-${hashOf(interfaces.join())}`
  const path = join(RUN_FOLDER, `${socketPrefix(config)}${own}.sock`)
  return isUsers ? usersSocket(path) : path
}

/** Returns the socket of the same daemon as a user, from its socket as root. */
export function usersSocket(path: string): string {
  return join(path.replace(/\.sock$/, USERS_FOLDER), 'control.sock')
}

/** Returns the one of a daemon's two sockets that is there, or else root's. */
export function presentSocket(path: string): string {
  const users = usersSocket(path)
  return existsSync(users) ? users : path
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_CHARS)
}
