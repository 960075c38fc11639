import { setImmediate } from 'node:timers/promises'
import type { Keyspace } from '../keyspace.ts'
import type { PartSeal } from './sealed-part.ts'
import type { UsersDocument, UsersFiles } from './users-document.ts'

/** Milliseconds in which all parts have to arrive. */
export const FETCH_WITHIN_MS = 30_000
/** Parts that are asked for at once. */
const AT_ONCE = 8

/** The part of a client of etcd that reads. */
export interface PartSource {
  get(key: string): Promise<{ readonly value: string } | undefined>
}

/** The dependencies of fetching. */
export interface FetchDeps {
  readonly etcd: PartSource
  readonly keyspace: Pick<Keyspace, 'part'>
  readonly seal: Pick<PartSeal, 'open'>
  /** Milliseconds of a steady clock. */
  readonly steady: () => number
}

/**
 * Returns the files of a document. Parts that are not at hand are fetched from etcd, each once.
 *
 * @param known the content of parts at hand, by their names
 * @throws EtcdUnavailable, or Error if a part is missing, damaged or late
 */
export async function fetchFiles(
  { files }: UsersDocument,
  known: ReadonlyMap<string, Buffer>,
  deps: FetchDeps,
): Promise<UsersFiles> {
  const sizes = new Map(files.flatMap(({ parts }) => parts.map(({ id, bytes }) => [id, bytes] as const)))
  const contents = new Map<string, Buffer>()
  for (const id of sizes.keys()) if (known.has(id)) contents.set(id, known.get(id)!)
  const wanted = [...sizes.keys()].filter((id) => !contents.has(id))
  const late = deps.steady() + FETCH_WITHIN_MS
  const some = async (): Promise<void> => {
    for (let id = wanted.pop(); id !== undefined; id = wanted.pop()) {
      if (deps.steady() >= late) throw new Error(`etcd took more than ${FETCH_WITHIN_MS / 1000} s for the files`)
      // oxlint-disable-next-line no-await-in-loop -- one after another
      contents.set(id, await fetchPart(id, deps))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, some))
  const found = new Map<string, Buffer>()
  for (const { name, parts } of files) {
    const content = Buffer.concat(parts.map(({ id }) => contents.get(id)!))
    const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
    if (content.length !== bytes) throw new Error(`${name}: has ${content.length} bytes, and ${bytes} were signed`)
    found.set(name, content)
  }
  return found
}

async function fetchPart(id: string, { etcd, keyspace, seal }: FetchDeps): Promise<Buffer> {
  const value = await etcd.get(keyspace.part(id))
  if (value === undefined) throw new Error('a part of the files is not in etcd')
  // Packets may go first.
  await setImmediate()
  const content = seal.open(id, value.value)
  if (content === undefined) throw new Error('a part of the files in etcd is damaged, or under another key of a fleet')
  return content
}
