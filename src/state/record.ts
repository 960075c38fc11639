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

type Fields = Readonly<Record<string, unknown>>
/** The variables of an opening without a command. All such openings share them. */
const NO_ENVIRONMENT: Readonly<Record<string, string>> = Object.freeze({})

/** Reads an entry from the JSON of a line, as a copy; `undefined`: not an entry. */
export function readEntry(value: unknown): Entry | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fields = value as Fields
  const { kind, id, door, mark, key, user, holder } = fields
  switch (kind) {
    case 'opened':
      return isOpening(fields) ? { kind, ...copyOpening(fields) } : undefined
    case 'extended':
      return isId(id) && isDeadline(fields) && isOptional(user, isText) && isOptional(holder, isText)
        ? { kind, id, ...copyHold(fields) }
        : undefined
    case 'closed':
      return isId(id) ? { kind, id } : undefined
    case 'used':
      return isText(door) && isText(mark) ? { kind, door, mark } : undefined
    case 'replay':
      return isText(key) && isOptional(fields.value, isText) ? { kind, key, value: fields.value } : undefined
    default:
      return undefined
  }
}

/** Returns true if an opening can be written and read again. */
export function isOpening(value: object): value is Opening {
  const { id, door, source, family, openedAt, stop, services, forward, user, holder, holds, environment } =
    value as Fields
  return (
    isId(id) &&
    isText(door) &&
    isText(source) &&
    (family === 4 || family === 6) &&
    isTime(openedAt) &&
    isOptional(stop, isText) &&
    isOptional(services, isText) &&
    isOptional(forward, isText) &&
    isOptional(user, isText) &&
    isOptional(holder, isText) &&
    isOptional(holds, isHolds) &&
    isEnvironment(environment) &&
    isDeadline(value)
  )
}

/** Returns true if a deadline can be written and read again. */
export function isDeadline(value: object): value is Deadline {
  const { since, until, boot, bootUntil } = value as Fields
  return isTime(since) && isTime(until) && isOptional(boot, isText) && isOptional(bootUntil, isTime)
}

/** Copies an opening's fields, and no others. */
export function copyOpening(opening: Opening): Opening {
  const { id, door, source, family, openedAt, stop, services, forward, user, holder, holds, environment } = opening
  const { since, until, boot, bootUntil } = opening
  // V8 gives each object that a spread has made a hidden class of its own, some 300 bytes.
  return {
    id,
    door,
    source,
    family,
    openedAt,
    stop,
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

function isHolds(value: unknown): value is readonly Hold[] {
  return Array.isArray(value) && value.length > 0 && value.length <= HOLDS_MAX && value.every(isHold)
}

function isHold(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { holder, user } = value as Fields
  return isDeadline(value) && isOptional(holder, isText) && isOptional(user, isText)
}

function isEnvironment(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText)
}

function isId(value: unknown): value is string {
  return isText(value) && value.length > 0 && value.length <= ID_MAX_CHARS
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

/** Returns true for a finite number. JSON has no infinity and would lose it. */
function isTime(value: unknown): value is number {
  return Number.isFinite(value)
}

function isOptional<T>(value: unknown, is: (value: unknown) => value is T): value is T | undefined {
  return value === undefined || is(value)
}
