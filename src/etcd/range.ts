import { EtcdUnavailable } from './unavailable.ts'
import {
  encoded,
  type Fields,
  fieldsOf,
  keyValueOf,
  listOf,
  numberOf,
  prefixEnd,
  revisionOf,
  textOf,
  type KeyValue,
} from './values.ts'

/** The maximum number of keys of a page: of used secrets, 0.4 to 0.9 MB of JSON, read in 1 to 2 ms. */
export const PAGE_MAX = 1_000
/** The maximum number of keys of a list. Lists of one-time sequences leave a key for each that was ever used. */
export const LIST_MAX = 250_000
/** The maximum size of the keys and values of a list, or of a message of a watch. A fleet's largest is that of all claims. */
export const TOLD_MAX_BYTES = 64 * 1_048_576
/** The factor by which the page shrinks after an answer that was too large. */
const SMALLER = 10
/** The most restarts of a list whose revision is compacted meanwhile. */
const RESTARTS_MAX = 3

/** All keys with a prefix, at one revision of the store. */
export interface Listed {
  readonly revision: string
  readonly kvs: readonly KeyValue[]
}

/**
 * Lists all keys with a prefix, page by page at the revision of the first one.
 *
 * @param range sends a range request (`RangeRequest` of etcd's rpc.proto)
 * @throws EtcdUnavailable when a page cannot be had, or there are more than {@link LIST_MAX} keys or
 *   {@link TOLD_MAX_BYTES}
 */
export async function listAll(prefix: string, range: (body: object) => Promise<unknown>): Promise<Listed> {
  for (let restarts = 0; ; restarts++) {
    try {
      return await listOnce(prefix, range)
    } catch (error) {
      if (!(error instanceof EtcdUnavailable && error.kind === 'compacted') || restarts === RESTARTS_MAX) throw error
    }
  }
}

async function listOnce(prefix: string, range: (body: object) => Promise<unknown>): Promise<Listed> {
  const end = encoded(prefixEnd(prefix))
  const kvs: KeyValue[] = []
  let bytes = 0
  let revision: string | undefined
  let from = encoded(prefix)
  let limit = PAGE_MAX
  for (;;) {
    let page: Fields
    try {
      page = fieldsOf(
        await range({
          key: from,
          range_end: end,
          limit: String(limit),
          ...(revision === undefined ? {} : { revision }),
        }),
      )
    } catch (error) {
      if (!(error instanceof EtcdUnavailable && error.kind === 'size') || limit === 1) throw error
      limit = Math.ceil(limit / SMALLER)
      continue
    }
    revision ??= revisionOf(page)
    const raw = listOf(page['kvs'])
    if (kvs.length + raw.length > LIST_MAX) {
      throw new EtcdUnavailable('size', `more than ${LIST_MAX} keys below ${prefix}`)
    }
    for (const each of raw) {
      const kv = keyValueOf(each)
      bytes += sizeOf(kv)
      kvs.push(kv)
    }
    if (bytes > TOLD_MAX_BYTES) {
      throw new EtcdUnavailable('size', `more than ${TOLD_MAX_BYTES / 1_048_576} MiB below ${prefix}`)
    }
    if (page['more'] !== true || raw.length === 0) return { revision, kvs }
    // The next key behind the last one is that one with a zero byte.
    from = encoded(Buffer.concat([Buffer.from(textOf(fieldsOf(raw.at(-1))['key']), 'base64'), Buffer.alloc(1)]))
  }
}

/** Returns the size of a key and its value in UTF-16 units, which are at most as many as its bytes. */
export function sizeOf({ key, value }: KeyValue): number {
  return key.length + value.length
}

/** Reads the answer to a range request: its keys, and the revision it was given at. Throws EtcdUnavailable. */
export function rangeOf(answer: unknown): Listed & { readonly count: number } {
  const fields = fieldsOf(answer)
  return {
    revision: revisionOf(fields),
    kvs: listOf(fields['kvs']).map(keyValueOf),
    count: Number(numberOf(fields['count'])),
  }
}
