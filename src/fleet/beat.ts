import type { KeyObject } from 'node:crypto'
import type { Etcd, Op } from '../etcd/client.ts'
import { isRecord } from '../text/record.ts'
import type { DocumentStatus } from './document.ts'
import { publicKeyOf } from './hosts.ts'
import type { FleetHost } from './hosts.ts'
import type { DocumentKind, Keyspace } from './keyspace.ts'
import { openSigned, readSigned, signText } from './signed.ts'

/** Milliseconds between two signs of life, and the part of it by which they vary, so that hosts do not come together. */
export const BEAT_EVERY_MS = 10_000
const JITTER = 0.1
/** Seconds after the last sign of life until it is gone, and milliseconds for which a lease is used. */
const LEASE_S = 60
const LEASE_USED_MS = 30_000
/** Milliseconds from a change until it is told. Changes come in groups. */
const SOON_MS = 100
/** Milliseconds between the time signals of all hosts together. */
const SIGNALS_EVERY_MS = 1_000
/** Most characters of a sign of life, of a reason in it, and most marks of secrets. */
export const BEAT_MAX_CHARS = 16_384
export const REASON_MAX_CHARS = 200
export const MARKS_MAX = 64
const WORD = /^[\w.+-]{1,64}$/

/** A sign of life: what a host says of itself. The host signs it, so nobody else can say that it has a list. */
export interface Beat {
  /** The clock of the host, in milliseconds since 1970. */
  readonly at: number
  /** The version of Postern. */
  readonly version: string
  /** The versions of the documents in force there. */
  readonly versions: Partial<Readonly<Record<DocumentKind, number>>>
  /** The reasons why newer ones are refused there. */
  readonly refused: Partial<Readonly<Record<DocumentKind, string>>>
  /** The number of doors with `Scope = fleet`. */
  readonly doors: number
  /** Milliseconds by which its clock is ahead of the other hosts'; absent: it has heard none. */
  readonly aheadMs?: number
  /** The time at which its certificate for etcd ends, in milliseconds since 1970; absent: not soon. */
  readonly endsAt?: number
  /** The reason why it opens nothing of the fleet yet; absent: it does. */
  readonly waiting?: string
  /** The mark of the fleet's key that it has: see `secret-marks.ts`. Absent: an earlier version of Postern. */
  readonly keyMark?: string
  /** Marks of the secrets that other hosts should not have: see `secret-marks.ts`. */
  readonly marks: readonly string[]
}

/** The functions and values that signs of life need. */
export interface BeatDeps {
  readonly etcd: Pick<Etcd, 'grant' | 'txn'>
  readonly keyspace: Keyspace
  readonly host: string
  /** The key with which this host signs. */
  readonly signKey: KeyObject
  /** Returns the state of this host, without its time. */
  readonly state: () => Omit<Beat, 'at'>
  /** Returns the number of hosts of the fleet. */
  readonly hosts: () => number
  /** Returns the time of the clock, in milliseconds since 1970. */
  readonly now: () => number
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
  /** Returns a number from 0, below 1. */
  readonly random: () => number
}

/** The versions and refusals of documents, as a sign of life has them. */
export function documentStates(
  documents: Partial<Readonly<Record<DocumentKind, DocumentStatus>>>,
): Pick<Beat, 'versions' | 'refused'> {
  const all = Object.entries(documents)
  return {
    versions: Object.fromEntries(
      all.flatMap(([kind, { version }]) => (version === undefined ? [] : [[kind, version]])),
    ),
    refused: Object.fromEntries(
      all.flatMap(([kind, { refused }]) => (refused === undefined ? [] : [[kind, refused.slice(0, REASON_MAX_CHARS)]])),
    ),
  }
}

/** Writes this host's signs of life, and the time signal when it is its turn. At most one is under way. */
export class Heart {
  readonly #deps: BeatDeps
  #timer: NodeJS.Timeout | undefined
  #lease: { readonly id: string; readonly since: number } | undefined
  #signalled = -Infinity
  #beating = false
  #again = false
  #closed = false

  constructor(deps: BeatDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#plan(SOON_MS)
  }

  /** Tells a change of this host's state. */
  soon(): void {
    if (this.#beating) this.#again = true
    else this.#plan(SOON_MS)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  #plan(inMs: number): void {
    clearTimeout(this.#timer)
    if (!this.#closed) this.#timer = setTimeout(() => void this.#beat(), inMs)
  }

  async #beat(): Promise<void> {
    this.#beating = true
    this.#again = false
    try {
      await this.#put()
    } catch {
      // The news say that etcd does not answer. A lease that ended there is the likeliest other reason.
      this.#lease = undefined
    }
    this.#beating = false
    const jitter = 1 + JITTER * (2 * this.#deps.random() - 1)
    this.#plan(this.#again ? SOON_MS : BEAT_EVERY_MS * jitter)
  }

  /** @throws EtcdUnavailable */
  async #put(): Promise<void> {
    const { etcd, keyspace, host, signKey, state, hosts, now, steady } = this.#deps
    if (this.#lease === undefined || steady() - this.#lease.since > LEASE_USED_MS) {
      const since = steady()
      this.#lease = { id: await etcd.grant(LEASE_S), since }
    }
    const beat: Beat = { at: now(), ...state() }
    const signer = { name: host, key: signKey }
    const lease = this.#lease.id
    const place = keyspace.beat(host)
    const steps: Op[] = [{ put: place, value: signText(place, beat, signer), lease }]
    const isTurn = steady() - this.#signalled >= hosts() * SIGNALS_EVERY_MS
    if (isTurn) {
      const value = signText(keyspace.clock, { at: now(), keyMark: beat.keyMark }, signer)
      steps.push({ put: keyspace.clock, value, lease })
      this.#signalled = steady()
    }
    await etcd.txn([], steps)
  }
}

/**
 * Reads a sign of life. `undefined`: it is malformed, or not signed by the host.
 *
 * @param place its key in etcd
 * @param host as an operator signed it; `undefined`: it is unknown, and anyone who can write to etcd may have written this
 */
export function readBeat(place: string, text: string, host: FleetHost | undefined): Beat | undefined {
  if (text.length > BEAT_MAX_CHARS) return undefined
  try {
    const keyOf = (name: string) => (name === host?.name ? publicKeyOf(host.key) : undefined)
    return beatOf((host === undefined ? readSigned(text) : openSigned(place, text, keyOf)).body)
  } catch {
    return undefined
  }
}

function beatOf(raw: unknown): Beat | undefined {
  if (!isRecord(raw)) return undefined
  const { at, version, doors, aheadMs, endsAt, waiting, keyMark, marks } = raw
  if (!isCount(at) || typeof version !== 'string' || !WORD.test(version) || !isCount(doors)) return undefined
  const isAhead = typeof aheadMs === 'number' && Number.isSafeInteger(aheadMs)
  const marked = Array.isArray(marks) ? marks.slice(0, MARKS_MAX).filter(isMark) : []
  return {
    at,
    version,
    versions: fieldsOf(raw['versions'], isCount),
    refused: fieldsOf(raw['refused'], isReason),
    doors,
    marks: marked,
    ...(isAhead ? { aheadMs } : {}),
    ...(isTime(endsAt) ? { endsAt } : {}),
    ...(isReason(waiting) ? { waiting } : {}),
    ...(isMark(keyMark) ? { keyMark } : {}),
  }
}

const KINDS: readonly DocumentKind[] = ['hosts', 'users']

function fieldsOf<T>(
  raw: unknown,
  isValue: (value: unknown) => value is T,
): Partial<Readonly<Record<DocumentKind, T>>> {
  if (!isRecord(raw)) return {}
  return Object.fromEntries(KINDS.flatMap((kind) => (isValue(raw[kind]) ? [[kind, raw[kind]]] : [])))
}

/** The last time that a date can have (ECMA-262, 21.4.1.1), in milliseconds. */
export const TIME_MAX_MS = 8_640_000_000_000_000

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** Returns true for a time that a date can have. */
function isTime(value: unknown): value is number {
  return isCount(value) && value <= TIME_MAX_MS
}

function isReason(value: unknown): value is string {
  return typeof value === 'string' && value.length <= REASON_MAX_CHARS
}

function isMark(value: unknown): value is string {
  return typeof value === 'string' && WORD.test(value)
}
