import { HOLDS_MAX } from './holds.ts'
import { ID_MAX_CHARS } from './opening.ts'
import type { Deadline, Hold, Opening } from './opening.ts'

/** An entry of the journal. */
export type Entry =
  | ({ readonly kind: 'opened' } & Opening)
  /** A longer deadline for one holder. Without a holder, the connection of its source extended it. */
  | ({ readonly kind: 'extended'; readonly id: string } & Hold)
  | { readonly kind: 'closed'; readonly id: string }
  /** A one-time sequence was accepted: see `usedMark`. */
  | { readonly kind: 'used'; readonly door: string; readonly mark: string }
  /** The newest counter or time that was accepted for a key; `undefined` forgets the key. */
  | { readonly kind: 'replay'; readonly key: string; readonly value: string | undefined }

/** The test of each field of a record. It has every field, and they are written in this order. */
type Shape<T> = { readonly [Field in keyof T]-?: (value: unknown) => boolean }

const DEADLINE: Shape<Deadline> = {
  since: isTime,
  until: isTime,
  boot: isOptional(isText),
  bootUntil: isOptional(isTime),
}
const HOLD: Shape<Hold> = { holder: isOptional(isText), user: isOptional(isText), ...DEADLINE }
const OPENING: Shape<Opening> = {
  id: isId,
  door: isText,
  source: isText,
  family: (value) => value === 4 || value === 6,
  openedAt: isTime,
  stop: isOptional(isText),
  as: isOptional((value) => typeof value === 'string' && /^[0-9]{1,10}:[0-9]{1,10}$/.test(value)),
  services: isOptional(isText),
  forward: isOptional(isText),
  user: isOptional(isText),
  holder: isOptional(isText),
  holds: isOptional(isHolds),
  environment: isEnvironment,
  ...DEADLINE,
}
const ENTRIES: { readonly [Kind in Entry['kind']]: Shape<Omit<Extract<Entry, { kind: Kind }>, 'kind'>> } = {
  opened: OPENING,
  extended: { id: isId, ...HOLD },
  closed: { id: isId },
  used: { door: isText, mark: isText },
  replay: { key: isText, value: isOptional(isText) },
}

/** The variables of an opening without a command. All such openings share them. */
const NO_ENVIRONMENT: Readonly<Record<string, string>> = Object.freeze({})

/** Reads an entry from the JSON of a line, as a copy; `undefined`: not an entry. */
export function readEntry(value: unknown): Entry | undefined {
  const { kind } = (value ?? {}) as { readonly kind?: unknown }
  if (typeof kind !== 'string' || !Object.hasOwn(ENTRIES, kind)) return undefined
  const shape: Shape<object> = ENTRIES[kind as Entry['kind']]
  if (!fits<object>(value, shape)) return undefined
  return { kind, ...(kind === 'opened' ? copyOpening(value as Opening) : copy<object>(value, shape)) } as Entry
}

/** Returns true if an opening can be written and read again. */
export function isOpening(value: unknown): value is Opening {
  return fits(value, OPENING)
}

/** Returns true if a deadline can be written and read again. */
export function isDeadline(value: unknown): value is Deadline {
  return fits(value, DEADLINE)
}

/** Copies an opening's fields, and no others. */
export function copyOpening(opening: Opening): Opening {
  const { id, door, source, family, openedAt, stop, as, services, forward, user, holder, holds, environment } = opening
  const { since, until, boot, bootUntil } = opening
  // V8 gives each object that a spread has made a hidden class of its own, some 300 bytes.
  return {
    id,
    door,
    source,
    family,
    openedAt,
    stop,
    as,
    services,
    forward,
    user,
    holder,
    holds: holds?.map(copyHold),
    environment: Object.keys(environment).length === 0 ? NO_ENVIRONMENT : { ...environment },
    since,
    until,
    boot,
    bootUntil,
  }
}

/** Copies a deadline's fields, and no others. */
export function copyDeadline({ since, until, boot, bootUntil }: Deadline): Deadline {
  return { since, until, boot, bootUntil }
}

/** Copies a hold's fields, and no others. */
export function copyHold({ holder, user, since, until, boot, bootUntil }: Hold): Hold {
  return { holder, user, since, until, boot, bootUntil }
}

function fits<T>(value: unknown, shape: Shape<T>): value is T {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries<(field: unknown) => boolean>(shape).every(([field, is]) => is(Reflect.get(value, field)))
}

function copy<T>(value: T, shape: Shape<T>): T {
  const fields = Object.keys(shape) as (keyof T)[]
  return Object.fromEntries(fields.map((field) => [field, value[field]])) as T
}

function isHolds(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > HOLDS_MAX) return false
  return value.every((hold) => fits(hold, HOLD))
}

function isEnvironment(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText)
}

function isId(value: unknown): boolean {
  return isText(value) && value.length > 0 && value.length <= ID_MAX_CHARS
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Returns true for a finite number. JSON has no infinity and would lose it. */
function isTime(value: unknown): boolean {
  return Number.isFinite(value)
}

function isOptional(is: (value: unknown) => boolean): (value: unknown) => boolean {
  return (value) => value === undefined || is(value)
}
