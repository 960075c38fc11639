import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { realDisk } from '../../state/disk.ts'
import { replaceDurably } from '../../state/replace.ts'
import type { Etcd } from '../../etcd/client.ts'
import { isVersion } from '../../fleet/hosts.ts'
import type { Keyspace } from '../../fleet/keyspace.ts'
import type { OperatorFolder } from '../../fleet/operator.ts'
import { openSigned } from '../../fleet/signed.ts'
import { readUsersDocument } from '../../fleet/users/users-document.ts'

/** The file with the newest version of users that this operator has seen. */
const KEPT = 'users.version'

/** Returns the newest version of users that an operator's folder has seen; 0: none. */
export function keptUsersVersion(folder: string): number {
  try {
    const version = Number(readFileSync(join(folder, KEPT), 'utf8'))
    return isVersion(version) ? version : 0
  } catch {
    return 0
  }
}

/** Remembers a version, unless a newer one was seen. @throws the system's error (as a rejection) */
export async function keepUsersVersion(folder: string, version: number): Promise<void> {
  if (version > keptUsersVersion(folder)) await replaceDurably(realDisk, join(folder, KEPT), `${version}\n`)
}

/**
 * Returns the newest version of users that an operator knows, in etcd or of before; 0: none. Anyone who can write to etcd could
 * have put an older one there.
 *
 * @throws EtcdUnavailable, or the system's error (as a rejection)
 */
export async function newestUsersVersion(
  etcd: Pick<Etcd, 'get'>,
  keyspace: Keyspace,
  { folder, settings }: Pick<OperatorFolder, 'folder' | 'settings'>,
): Promise<number> {
  const place = keyspace.document('users')
  const { value } = (await etcd.get(place)) ?? {}
  await keepUsersVersion(folder, value === undefined ? 0 : versionOf(place, value, settings))
  return keptUsersVersion(folder)
}

/** Returns the version of a text; 0: no operator has signed it. */
function versionOf(place: string, text: string, { operators }: OperatorFolder['settings']): number {
  try {
    const { body } = openSigned(place, text, (name) => operators.find((each) => each.name === name)?.key)
    return readUsersDocument(body)?.version ?? 0
  } catch {
    return 0
  }
}
