import { createHmac, timingSafeEqual } from 'node:crypto'
import { isRecord } from '../text/record.ts'

/** The most uses whose marks a record keeps, newest last. A retry after a lost answer finds its own among them. */
export const MARKS_MAX = 16
/** The most characters of a record in etcd, and of the parts of it. */
export const RECORD_MAX_CHARS = 4_096
const MARK_MAX_CHARS = 128

/** The state of a secret, which all hosts of the fleet share. */
export interface ClaimRecord {
  /** The number of uses so far. It only rises. */
  readonly uses: number
  /** The newest value, such as a counter; `''`: the secret can be used once. */
  readonly value: string
  /** Marks of the last uses: the host's name and a random part. */
  readonly marks: readonly string[]
  /** Milliseconds since 1970 at which the secret expires; absent: it never does. */
  readonly until?: number
}

/** The kinds of secrets: `once` for one without an order, `value` for one that only advances. */
export type ClaimKind = 'once' | 'value'

/**
 * Names and seals claims by the key of the fleet. Who reads etcd learns no secret and cannot test guesses; who writes it
 * can make no record, but only remove one or put an older one in its place.
 */
export class ClaimSeal {
  readonly #nameKey: Buffer
  readonly #sealKey: Buffer

  /** @param fleetKey 32 random bytes, which all hosts share */
  constructor(fleetKey: Uint8Array) {
    this.#nameKey = createHmac('sha256', fleetKey).update('postern claim name 1').digest()
    this.#sealKey = createHmac('sha256', fleetKey).update('postern claim seal 1').digest()
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
    const body = JSON.stringify({ uses, value, marks, until })
    return `${this.#mac(name, body).toString('base64url')} ${body}`
  }

  /** Reads a record. `undefined`: no host of the fleet made it for this name. */
  open(name: string, text: string): ClaimRecord | undefined {
    const blank = text.indexOf(' ')
    if (text.length > RECORD_MAX_CHARS || blank < 0) return undefined
    const body = text.slice(blank + 1)
    const mac = Buffer.from(text.slice(0, blank), 'base64url')
    const expected = this.#mac(name, body)
    if (mac.length !== expected.length || !timingSafeEqual(mac, expected)) return undefined
    return readRecord(body)
  }

  #mac(name: string, body: string): Buffer {
    return createHmac('sha256', this.#sealKey).update(`${name}\n`).update(body).digest()
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

/** Returns true if a record is of an earlier time than one that was seen, or of another history. */
export function wentBack(present: ClaimRecord, seen: ClaimRecord): boolean {
  if (present.uses !== seen.uses) return present.uses < seen.uses
  return present.marks.at(-1) !== seen.marks.at(-1)
}
