import { EtcdUnavailable } from './unavailable.ts'

/** A key with its value, as UTF-8 text. Numbers of etcd have 64 bits and are decimal text. */
export interface KeyValue {
  readonly key: string
  readonly value: string
  /** The revision of the store at which the key was written last. Of a deleted key: at which it was deleted. */
  readonly modRevision: string
  /** The number of writes since the key was created. Of a deleted key: `0`. */
  readonly version: string
  /** The lease that the key ends with; `0`: none. */
  readonly lease: string
}

/** A condition of a transaction. `version: 0`: there is no such key. */
export type Compare =
  | { readonly key: string; readonly version: 0 }
  | { readonly key: string; readonly exists: true }
  | { readonly key: string; readonly modRevision: string }
  | { readonly key: string; readonly value: string }

/** A step of a transaction. */
export type Op =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly get: string }
  | { readonly delete: string }
  | { readonly getPrefix: string; readonly limit?: number }

/** Text or bytes as the JSON gateway has them. */
export function encoded(text: string | Uint8Array): string {
  return (typeof text === 'string' ? Buffer.from(text) : Buffer.from(text)).toString('base64')
}

/** Returns the end of the range of all keys with a prefix: the first key behind them (etcd's `clientv3.GetPrefixRangeEnd`). */
export function prefixEnd(prefix: string): Uint8Array {
  const bytes = Buffer.from(prefix)
  const at = bytes.findLastIndex((byte) => byte < 0xff)
  // All keys from the prefix on.
  if (at < 0) return Uint8Array.of(0)
  const end = Buffer.from(bytes.subarray(0, at + 1))
  end[at]! += 1
  return end
}

/** Formats the request of a transaction (`TxnRequest` of etcd's rpc.proto). */
export function txnBody(compare: readonly Compare[], then: readonly Op[], otherwise: readonly Op[]): object {
  return { compare: compare.map(compareBody), success: then.map(opBody), failure: otherwise.map(opBody) }
}

function compareBody(compare: Compare): object {
  const key = encoded(compare.key)
  if ('version' in compare) return { key, target: 'VERSION', result: 'EQUAL', version: '0' }
  if ('exists' in compare) return { key, target: 'VERSION', result: 'GREATER', version: '0' }
  if ('modRevision' in compare) return { key, target: 'MOD', result: 'EQUAL', mod_revision: compare.modRevision }
  return { key, target: 'VALUE', result: 'EQUAL', value: encoded(compare.value) }
}

function opBody(op: Op): object {
  if ('put' in op) return { request_put: putBody(op.put, op.value, op.lease) }
  if ('get' in op) return { request_range: { key: encoded(op.get) } }
  if ('delete' in op) return { request_delete_range: { key: encoded(op.delete) } }
  const limit = op.limit === undefined ? {} : { limit: String(op.limit) }
  return { request_range: { key: encoded(op.getPrefix), range_end: encoded(prefixEnd(op.getPrefix)), ...limit } }
}

/** Formats the request to write a key. */
export function putBody(key: string, value: string, lease: string | undefined): object {
  return { key: encoded(key), value: encoded(value), ...(lease === undefined ? {} : { lease }) }
}

/** A JSON object whose members are still to be looked at. */
export type Fields = Readonly<Record<string, unknown>>

/** Returns a value as an object. The gateway leaves out what is empty, so there may be none. Throws EtcdUnavailable. */
export function fieldsOf(value: unknown): Fields {
  if (value === undefined || value === null) return {}
  if (typeof value !== 'object' || Array.isArray(value)) throw strange()
  return value as Fields
}

/** Returns a value as a list; none: an empty one. Throws EtcdUnavailable. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw strange()
  return value as readonly unknown[]
}

/** Returns a number of 64 bits as decimal text; none: `0`. Throws EtcdUnavailable. */
export function numberOf(value: unknown): string {
  if (value === undefined || value === null) return '0'
  const text = typeof value === 'number' ? String(value) : value
  if (typeof text !== 'string' || !/^-?\d{1,20}$/.test(text)) throw strange()
  return text
}

/** Returns a text as it is; none: `''`. Throws EtcdUnavailable. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw strange()
  return value
}

/** Reads a key with its value (`mvccpb.KeyValue` of etcd's kv.proto). Throws EtcdUnavailable. */
export function keyValueOf(raw: unknown): KeyValue {
  const { key, value, mod_revision, version, lease } = fieldsOf(raw)
  return {
    key: Buffer.from(textOf(key), 'base64').toString(),
    value: Buffer.from(textOf(value), 'base64').toString(),
    modRevision: numberOf(mod_revision),
    version: numberOf(version),
    lease: numberOf(lease),
  }
}

/** Returns the revision of the store that an answer was given at. Throws EtcdUnavailable. */
export function revisionOf(answer: Fields): string {
  return numberOf(fieldsOf(answer['header'])['revision'])
}

/** The answer has another shape than etcd's. */
function strange(): EtcdUnavailable {
  return new EtcdUnavailable('answer', 'an answer that etcd does not give')
}
