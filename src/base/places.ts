import { statSync } from 'node:fs'
import { join } from 'node:path'
import { RUN_FOLDER } from '../control/socket.ts'
import { networkCookie } from '../native/socket-options.ts'
import { STATE_DIR_DEFAULT } from '../state/folder.ts'

/** Every network namespace has entries of its own there, also for who may not look at the namespace itself (proc(5)). */
const OWN_ENTRY = '/proc/self/net/dev'
const FIRST_ENTRY = '/proc/1/net/dev'
const NETWORK_NAMESPACE = '/proc/self/ns/net'

/** Where a host keeps what it knows of its base ruleset. Network namespaces are hosts of their own. */
export interface BasePlaces {
  /** The trial under way; gone with the next boot. */
  readonly trial: string
  /** The ruleset that was confirmed. The machine's own outlasts a boot; that of a namespace goes with it. */
  readonly confirmed: string
  /** Whether no other namespace can have these names: else nothing is put back from them without being asked for. */
  readonly certain: boolean
}

/** Where this host keeps it: the machine's own network namespace is that of its first process. */
export function basePlaces(): BasePlaces {
  if (isFirst()) {
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

function isFirst(): boolean {
  try {
    return statSync(OWN_ENTRY).ino === statSync(FIRST_ENTRY).ino
  } catch {
    return false
  }
}
