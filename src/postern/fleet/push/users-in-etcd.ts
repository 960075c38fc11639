import type { KeyObject } from 'node:crypto'
import type { Etcd } from '../../../etcd/client.ts'
import { EtcdUnavailable } from '../../../etcd/client.ts'
import type { Keyspace } from '../../../fleet/keyspace.ts'
import { SIGNED_MAX_CHARS, openSigned, signText } from '../../../fleet/signed.ts'
import type { Signer } from '../../../fleet/signed.ts'
import { fetchFiles } from '../../../fleet/users/fetch.ts'
import { cutFiles } from '../../../fleet/users/parts.ts'
import type { PartSeal } from '../../../fleet/users/sealed-part.ts'
import { PARTS_MAX, readUsersDocument } from '../../../fleet/users/users-document.ts'
import type { UsersDocument, UsersFiles } from '../../../fleet/users/users-document.ts'
import { Failure } from '../../../cli/fault.ts'

/** Parts that are put at once. */
const AT_ONCE = 4
/** Parts that are deleted in a transaction. etcd takes 128 steps (`--max-txn-ops`). */
const DELETED_AT_ONCE = 64

/** The part of a client of etcd that pushing needs. */
export type PushEtcd = Pick<Etcd, 'get' | 'put' | 'txn' | 'list'>

/** The users in etcd. */
export interface UsersInEtcd {
  /** The revision of the document's last change; `undefined`: there is no document. */
  readonly modRevision: string | undefined
  /** The document, if an operator signed it, and who. */
  readonly document: UsersDocument | undefined
  readonly by: string | undefined
  /** Its files; empty if they cannot be read. */
  readonly files: UsersFiles
  /** The reason why the document or its files cannot be read. */
  readonly trouble: string | undefined
}

/** The dependencies of reading and putting the fleet's users. */
export interface PushDeps {
  readonly etcd: PushEtcd
  readonly keyspace: Keyspace
  readonly seal: PartSeal
  readonly keyOf: (operator: string) => KeyObject | undefined
  readonly steady: () => number
}

/** Reads the users in etcd as a host does. @throws EtcdUnavailable */
export async function readUsersInEtcd(deps: PushDeps): Promise<UsersInEtcd> {
  const { etcd, keyspace, keyOf } = deps
  const place = keyspace.document('users')
  const found = await etcd.get(place)
  const nothing = { document: undefined, by: undefined, files: new Map<string, Buffer>(), trouble: undefined }
  if (found === undefined) return { ...nothing, modRevision: undefined }
  const { value, modRevision } = found
  let read: Pick<UsersInEtcd, 'document' | 'by'>
  try {
    const { by, body } = openSigned(place, value, keyOf)
    read = { document: readUsersDocument(body), by }
  } catch (error) {
    return { ...nothing, modRevision, trouble: (error as Error).message }
  }
  const { document } = read
  if (document === undefined) return { ...nothing, modRevision, trouble: 'its content cannot be read' }
  try {
    return { ...read, modRevision, files: await fetchFiles(document, new Map(), deps), trouble: undefined }
  } catch (error) {
    if (error instanceof EtcdUnavailable) throw error
    return { ...nothing, ...read, modRevision, trouble: (error as Error).message }
  }
}

/**
 * Signs files as a version, and puts them into etcd: the parts, then the document, unless another one came meanwhile.
 *
 * @param before the users that it replaces
 * @returns false if the document is another one by now; nothing has changed then
 * @throws EtcdUnavailable, or Failure if the files do not fit
 */
export async function putUsers(
  files: UsersFiles,
  { version, signer, before }: { readonly version: number; readonly signer: Signer; readonly before: UsersInEtcd },
  { etcd, keyspace, seal }: PushDeps,
): Promise<boolean> {
  const place = keyspace.document('users')
  const { modRevision } = before
  const cut = cutFiles(files, seal)
  const text = signText(place, { version, files: cut.files } satisfies UsersDocument, signer)
  if (cut.parts.size > PARTS_MAX || text.length > SIGNED_MAX_CHARS) {
    throw new Failure('too many files: their list does not fit into etcd', 'use fewer files')
  }
  const there = cutFiles(before.files, seal).parts
  const put = async (ids: readonly string[]): Promise<void> => {
    const left = [...ids]
    const some = async (): Promise<void> => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        // oxlint-disable-next-line no-await-in-loop -- a few at once
        await etcd.put(keyspace.part(id), seal.seal(cut.parts.get(id)!))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, some))
  }
  const ids = [...cut.parts.keys()]
  await put(ids.filter((id) => !there.has(id)))
  const compare = modRevision === undefined ? { key: place, version: 0 as const } : { key: place, modRevision }
  const { won, kvs } = await etcd.txn([compare], [{ put: place, value: text }], [{ get: place }])
  // The answer of an earlier attempt may have been lost.
  if (!won && kvs[0]?.[0]?.value !== text) return false
  const own = await etcd.get(place)
  // Somebody has pushed since, and looks after the parts.
  if (own?.value !== text) return true
  const listed = new Set((await etcd.list(keyspace.part(''))).kvs.map(({ key }) => key))
  // Somebody who pushed just before may have taken them for unused ones.
  await put(ids.filter((id) => !listed.has(keyspace.part(id))))
  const used = new Set(ids.map((id) => keyspace.part(id)))
  const unused = [...listed].filter((key) => !used.has(key))
  for (let at = 0; at < unused.length; at += DELETED_AT_ONCE) {
    const some = unused.slice(at, at + DELETED_AT_ONCE)
    // oxlint-disable-next-line no-await-in-loop -- one after another
    await etcd.txn(
      [{ key: place, modRevision: own.modRevision }],
      some.map((key) => ({ delete: key })),
    )
  }
  return true
}
