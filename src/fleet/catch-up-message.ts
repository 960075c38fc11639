import { isRecord } from '../text/record.ts'
import type { Keyspace } from './keyspace.ts'
import { MacSeal } from './mac-seal.ts'

/** The most characters of a question. Longer ones are not looked at. */
export const QUESTION_MAX_CHARS = 1_024
/** The most characters of the records in one part of an answer. etcd takes 1.5 MiB at once. */
export const PART_MAX_CHARS = 800_000
/** The most characters of a part with its seal, its askers and the quotes of JSON. */
const ANSWER_MAX_CHARS = 1_400_000

/** A host asks what it cannot see in etcd. */
export interface Question {
  /** Random: an answer to it is no older than the question. */
  readonly nonce: string
  /** The revision up to which the host knew all changes when it asked. */
  readonly told: number
}

/** A part of what a host answers. */
export interface Answer {
  /** The hosts that asked, with the nonces of their questions. */
  readonly to: Readonly<Record<string, string>>
  /** True if the host knows all that was used up. Otherwise it tells only what it happens to know. */
  readonly isCaughtUp: boolean
  /** The names and texts of records that are not in etcd, or not as the host has seen them. */
  readonly records: readonly (readonly [name: string, text: string])[]
  /** The number of the part, from 0, and true for the last one. */
  readonly part: number
  readonly isLast: boolean
  /** True if the host knows of more records than an answer may have, or has still to check some. */
  readonly isCut: boolean
}

/** Writes and reads questions and answers, sealed by the fleet's key for their places in etcd. */
export class CatchUpMessages {
  readonly #keyspace: Keyspace
  readonly #seal: MacSeal

  constructor(keyspace: Keyspace, fleetKey: Uint8Array) {
    this.#keyspace = keyspace
    this.#seal = new MacSeal(fleetKey, 'postern claim catch-up 1')
  }

  /** Returns what is at a key: the host that wrote it, and of which kind it is. `undefined`: neither of them. */
  placeOf(key: string): { readonly kind: 'question' | 'answer'; readonly host: string } | undefined {
    const host = key.slice(key.lastIndexOf('/') + 1)
    if (key === this.#keyspace.question(host)) return { kind: 'question', host }
    return key === this.#keyspace.answer(host) ? { kind: 'answer', host } : undefined
  }

  question(host: string, { nonce, told }: Question): string {
    return this.#seal.seal(this.#keyspace.question(host), JSON.stringify({ nonce, told }))
  }

  answer(host: string, answer: Answer): string {
    return this.#seal.seal(this.#keyspace.answer(host), JSON.stringify(answer))
  }

  /** Reads a question. `undefined`: no host of the fleet wrote it for this place. */
  readQuestion(host: string, text: string): Question | undefined {
    const raw = this.#open(this.#keyspace.question(host), text, QUESTION_MAX_CHARS)
    const { nonce, told } = raw ?? {}
    return typeof nonce === 'string' && Number.isSafeInteger(told) ? { nonce, told: told as number } : undefined
  }

  /** Reads a part of an answer. `undefined`: no host of the fleet wrote it for this place. */
  readAnswer(host: string, text: string): Answer | undefined {
    const raw = this.#open(this.#keyspace.answer(host), text, ANSWER_MAX_CHARS)
    const { to, isCaughtUp, records, part, isLast, isCut } = raw ?? {}
    if (!isRecord(to) || !Array.isArray(records) || !records.every(isEntry) || !Number.isSafeInteger(part))
      return undefined
    return {
      to: to as Answer['to'],
      isCaughtUp: isCaughtUp === true,
      records: records as unknown as Answer['records'],
      part: part as number,
      isLast: isLast === true,
      isCut: isCut === true,
    }
  }

  #open(place: string, text: string, most: number): Record<string, unknown> | undefined {
    const body = text.length > most ? undefined : this.#seal.open(place, text)
    try {
      const raw: unknown = body === undefined ? undefined : JSON.parse(body)
      return isRecord(raw) ? raw : undefined
    } catch {
      // A host of another version.
      return undefined
    }
  }
}

function isEntry(entry: unknown): boolean {
  return Array.isArray(entry) && typeof entry[0] === 'string' && typeof entry[1] === 'string'
}
