import { createHmac } from 'node:crypto'
import { isRecord } from '../text/record.ts'
import { MacSeal } from './mac-seal.ts'

/** The most uses whose marks a record keeps, newest last. A retry after a lost answer finds its own among them. */
export const MARKS_MAX = 16
/** The most characters of a record in etcd, and of the parts of it. */
export const RECORD_MAX_CHARS = 4_096
const MARK_MAX_CHARS = 128

/** The state of a secret, which all hosts of the fleet share. */
export interface ClaimRecord {
  /** The number of uses so far. It only rises. 0: there is a place for uses, and there was none: {@link NO_USE}. */
  readonly uses: number
  /** The newest value, such as a counter; `''`: the secret can be used once. */
  readonly value: string
  /** Marks of the last uses: the host's name and a random part. */
  readonly marks: readonly string[]
  /** Milliseconds since 1970 at which the secret expires; absent: it never does. */
  readonly until?: number
}

/**
 * The first record of a secret with a value: its text is the same whichever host writes it. So each later one is on top of
 * one revision of etcd, and of a number of uses there is one record only.
 */
export const NO_USE: ClaimRecord = { uses: 0, value: '', marks: [] }

/** The kinds of secrets: `once` for one without an order, `value` for one that only advances. */
export type ClaimKind = 'once' | 'value'

/**
 * Names and seals claims by the key of the fleet. Who reads etcd learns no secret and cannot test guesses; who writes it
 * can make no record, but only remove one or put an older one in its place.
 */
export class ClaimSeal {
  readonly #nameKey: Buffer
  readonly #seal: MacSeal

  /** @param fleetKey 32 random bytes, which all hosts share */
  constructor(fleetKey: Uint8Array) {
    this.#nameKey = createHmac('sha256', fleetKey).update('postern claim name 1').digest()
    this.#seal = new MacSeal(fleetKey, 'postern claim seal 1')
  }

  /** Returns the name of a secret in etcd, below the prefix of claims. */
  name(kind: ClaimKind, ...parts: readonly string[]): string {
    const hmac = createHmac('sha256', this.#nameKey)
    // The lengths keep different parts from giving the same bytes.
    for (const part of [kind, ...parts]) hmac.update(`${Buffer.byteLength(part)}\n`).update(part)
    return hmac.digest('base64url')
  }

  /** Formats a record for its name: the seal, a blank, and JSON. */
  seal(name: string, { uses, value, marks, until }: ClaimRecord): string {
    return this.#seal.seal(name, JSON.stringify({ uses, value, marks, until }))
  }

  /** Reads a record. `undefined`: no host of the fleet made it for this name. */
  open(name: string, text: string): ClaimRecord | undefined {
    const body = text.length > RECORD_MAX_CHARS ? undefined : this.#seal.open(name, text)
    return body === undefined ? undefined : readRecord(body)
  }
}

function readRecord(body: string): ClaimRecord | undefined {
  const record: unknown = JSON.parse(body)
  if (!isRecord(record)) return undefined
  const { uses, value, marks, until } = record
  if (!Number.isSafeInteger(uses) || typeof value !== 'string' || !Array.isArray(marks)) return undefined
  if (marks.length > MARKS_MAX || !marks.every(isMark)) return undefined
  if (until !== undefined && !Number.isFinite(until)) return undefined
  return { uses: uses as number, value, marks, ...(until === undefined ? {} : { until: until as number }) }
}

function isMark(mark: unknown): mark is string {
  return typeof mark === 'string' && mark.length <= MARK_MAX_CHARS
}

/** Returns the record after one more use. */
export function nextRecord(
  before: ClaimRecord | undefined,
  value: string,
  mark: string,
  until: number | undefined,
): ClaimRecord {
  const marks = [...(before?.marks ?? []), mark].slice(-MARKS_MAX)
  const end = until === undefined ? {} : { until: Math.max(until, before?.until ?? 0) }
  return { uses: (before?.uses ?? 0) + 1, value, marks, ...end }
}

/** Returns the value of a secret's record; `undefined`: the secret is unused. */
export function valueOf(record: ClaimRecord | undefined): string | undefined {
  return record === undefined || record.uses === 0 ? undefined : record.value
}
