import { statSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_FOLDER } from '../control/socket.ts'
import { networkCookie } from '../native/socket-options.ts'
import { STATE_DIR_DEFAULT } from '../state/folder.ts'

/** Every network namespace has its own entries there, which all users may read (proc(5)). */
const OWN_ENTRY = '/proc/self/net/dev'
const FIRST_ENTRY = '/proc/1/net/dev'
const NETWORK_NAMESPACE = '/proc/self/ns/net'

/** The places of a host's records of its base ruleset. A network namespace counts as a host of its own. */
export interface BasePlaces {
  /** The present trial; a reboot removes it. */
  readonly trial: string
  /** The confirmed ruleset. The machine's own survives a boot; that of a namespace does not. */
  readonly confirmed: string
  /** True if no other namespace can have these names. Otherwise nothing is restored from them automatically. */
  readonly certain: boolean
}

/** Returns this host's places. The machine's own network namespace is that of its first process. */
export function basePlaces(): BasePlaces {
  if (inFirstNetwork()) {
    return { trial: join(RUN_FOLDER, 'firewall.json'), confirmed: join(STATE_DIR_DEFAULT, 'base.json'), certain: true }
  }
  const cookie = networkCookie()
  const name = cookie === undefined ? `inode-${statSync(NETWORK_NAMESPACE).ino}` : String(cookie)
  return {
    trial: join(RUN_FOLDER, `firewall-${name}.json`),
    confirmed: join(RUN_FOLDER, `base-${name}.json`),
    certain: cookie !== undefined,
  }
}

/** Returns true in the machine's own network namespace, that of its first process. */
export function inFirstNetwork(): boolean {
  try {
    return statSync(OWN_ENTRY).ino === statSync(FIRST_ENTRY).ino
  } catch {
    return false
  }
}
