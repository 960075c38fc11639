/** Longest request, in bytes. */
export const REQUEST_MAX_BYTES = 4_096
/** Longest reply, in bytes. */
export const REPLY_MAX_BYTES = 64 * 1_048_576
/** Most attempts that a status lists; they are counted all. */
export const ATTEMPTS_LISTED_MAX = 100

/** What an operator asks of the daemon: one line of JSON. */
export type Request =
  | { readonly command: 'status' }
  /** `source`: an address as text; `forMs`: milliseconds, the door's own time without it. */
  | { readonly command: 'open'; readonly door: string; readonly source: string; readonly forMs?: number }
  /** Without door or source: any. */
  | { readonly command: 'close'; readonly door?: string; readonly source?: string }
  /** Puts a new list in place of the one that the daemon keeps for a door. */
  | { readonly command: 'rotate'; readonly door: string }
  /** Opens a door that a loss of state has shut. `id`: that of the journal, which only who may read the state knows. */
  | { readonly command: 'accept-loss'; readonly door: string; readonly id: string }

/** What the daemon answers: one line of JSON. */
export type Reply =
  | { readonly status: Status }
  /** What was done, for people. */
  | { readonly done: string; readonly count: number }
  | { readonly error: string; readonly hint?: string }

/** How a daemon is doing. Times are milliseconds. */
export interface Status {
  readonly version: string
  readonly pid: number
  readonly config: string
  readonly upMs: number
  readonly interfaces: readonly InterfaceStatus[]
  readonly guard: GuardStatus | undefined
  readonly doors: readonly DoorStatus[]
  readonly openings: readonly OpeningStatus[]
  readonly attempts: { readonly count: number; readonly sources: number; readonly listed: readonly AttemptStatus[] }
  /** What the journal last failed with; absent while it works. */
  readonly journal: string | undefined
  /** The journal's path. */
  readonly state: string
}

export interface InterfaceStatus {
  readonly name: string
  /** Absent where it is listened on: why it is waited for. */
  readonly waiting: string | undefined
  /** Packets that the filter let through, and those of them that were lost, since it is listened on. */
  readonly received: number
  readonly dropped: number
}

export interface GuardStatus {
  readonly services: readonly string[]
  readonly hideWith: string
  readonly alwaysAllow: readonly string[]
  /** Packets of strangers to guarded ports. */
  readonly hidden: number
}

export interface DoorStatus {
  readonly name: string
  readonly secret: 'sequence' | 'one-time' | 'generated' | 'totp' | 'users' | 'spa'
  /** Sequences left; absent where there is no list. */
  readonly left: number | undefined
  /** How many may open it; absent where all have one secret. */
  readonly users: number | undefined
  readonly opens: readonly string[]
  readonly commands: boolean
  readonly openForMs: number
  /** Why it opens to nobody, and what to do; absent where it does. */
  readonly shut: string | undefined
}

export interface OpeningStatus {
  readonly door: string
  readonly source: string
  /** Who opened it last, where the door has several users. */
  readonly user: string | undefined
  /** What is open: `tcp/22`; empty for a command's. */
  readonly services: readonly string[]
  readonly leftMs: number
}

export interface AttemptStatus {
  readonly source: string
  readonly doors: readonly string[]
  readonly stage: number
  readonly leftMs: number
}

/** Longest time that an opening is asked for by hand: a year, in milliseconds. */
export const BY_HAND_MAX_MS = 365 * 86_400_000

/** Reads a request. `undefined`: it is none. */
export function parseRequest(line: string): Request | undefined {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const { command, door, source, forMs, id } = value as Record<string, unknown>
  if (command === 'status') return { command }
  if (command === 'rotate') return typeof door === 'string' ? { command, door } : undefined
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

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= BY_HAND_MAX_MS
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
