import { BY_HAND_MAX_MS, EVENTS_NAMED_MAX, EVENTS_SINCE_MAX_MS, STATUS_ROWS_MAX } from './message.ts'
import type { Choice, EventsRequest, Request, StatusRequest } from './message.ts'

/** Parses a request. Returns `undefined` if it is malformed. */
export function parseRequest(line: string): Request | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { command, door, source, forMs, id } = value as Record<string, unknown>
  if (command === 'status') return parseStatus(value as Record<string, unknown>)
  if (command === 'metrics') return { command }
  if (command === 'events') return parseEvents(value as Record<string, unknown>)
  if (command === 'rotate' || command === 'users') return typeof door === 'string' ? { command, door } : undefined
  if (command === 'forgive') return typeof source === 'string' ? { command, source } : undefined
  if (command === 'accept-loss') {
    return typeof door === 'string' && typeof id === 'string' ? { command, door, id } : undefined
  }
  if (command === 'open' && typeof door === 'string' && typeof source === 'string') {
    if (forMs === undefined) return { command, door, source }
    return isTime(forMs) ? { command, door, source, forMs } : undefined
  }
  if (command !== 'close' || !isOptionalText(door) || !isOptionalText(source)) return undefined
  return { command, ...(door === undefined ? {} : { door }), ...(source === undefined ? {} : { source }) }
}

function parseStatus({ rows, ...lists }: Record<string, unknown>): StatusRequest | undefined {
  const isRows = Number.isInteger(rows) && (rows as number) >= 0 && (rows as number) <= STATUS_ROWS_MAX
  const choice = parseChoice(lists)
  if (choice === undefined || !(rows === undefined || isRows)) return undefined
  return { command: 'status', ...(rows === undefined ? {} : { rows: rows as number, ...choice }) }
}

function parseEvents({ follow, sinceMs, ...lists }: Record<string, unknown>): EventsRequest | undefined {
  const isSince =
    sinceMs === undefined || (typeof sinceMs === 'number' && sinceMs >= 0 && sinceMs <= EVENTS_SINCE_MAX_MS)
  const choice = parseChoice(lists)
  if (choice === undefined || !isSince || !(follow === undefined || typeof follow === 'boolean')) return undefined
  return { command: 'events', ...given({ follow, sinceMs }), ...choice }
}

function parseChoice({ doors, users, sources }: Record<string, unknown>): Choice | undefined {
  const lists = { doors, users, sources }
  return Object.values(lists).every((list) => list === undefined || isNames(list)) ? given(lists) : undefined
}

function given(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, each]) => each !== undefined))
}

function isNames(value: unknown): boolean {
  return Array.isArray(value) && value.length <= EVENTS_NAMED_MAX && value.every((each) => typeof each === 'string')
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= BY_HAND_MAX_MS
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
