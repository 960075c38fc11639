/** Longest request, in bytes. */
export const REQUEST_MAX_BYTES = 4_096
/** Longest reply, in bytes. */
export const REPLY_MAX_BYTES = 64 * 1_048_576
/** Most attempts that a status lists; they are counted all. */
export const ATTEMPTS_LISTED_MAX = 100
/** Most sources that are ignored which a status lists. */
export const IGNORED_LISTED_MAX = 100

/** What an operator asks of the daemon: one line of JSON. */
export type Request =
  | { readonly command: 'status' }
  /** `source`: an address as text; `forMs`: milliseconds, the door's own time without it. */
  | { readonly command: 'open'; readonly door: string; readonly source: string; readonly forMs?: number }
  /** Without door or source: any. */
  | { readonly command: 'close'; readonly door?: string; readonly source?: string }
  /** Forgets why an address is ignored. */
  | { readonly command: 'forgive'; readonly source: string }
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
  /** The file that it runs. */
  readonly program: string
  readonly config: string
  readonly upMs: number
  readonly interfaces: readonly InterfaceStatus[]
  readonly guard: GuardStatus | undefined
  /** Ports that were hidden, and that the config has not named any more for less than a day. */
  readonly exposed: readonly ExposedStatus[]
  readonly doors: readonly DoorStatus[]
  readonly openings: readonly OpeningStatus[]
  /** Absent for members of Control_Group: whoever sees a stage can try ports one by one. */
  readonly attempts:
    { readonly count: number; readonly sources: number; readonly listed: readonly AttemptStatus[] } | undefined
  /** Sources that doors ignore, those noticed last first, at most {@link IGNORED_LISTED_MAX}. */
  readonly ignored: readonly IgnoredStatus[]
  /** What the journal last failed with; absent while it works. */
  readonly journal: string | undefined
  /** What the daemon met of its own faults; absent while there was none. */
  readonly faults?: { readonly count: number; readonly last: string; readonly agoMs: number } | undefined
  /** The journal's path. */
  readonly state: string
}

export interface InterfaceStatus {
  readonly name: string
  /** Absent where it is listened on: why it is waited for. */
  readonly waiting: string | undefined
  /**
   * Packets that the filter let through, and those of them that were lost, since it is listened on. Absent for members of
   * Control_Group: the filter lets UDP knocks through, and little else of UDP.
   */
  readonly received: number | undefined
  readonly dropped: number | undefined
  /** Since the last packet that the filter let through; absent: there was none yet, or a member asks. */
  readonly heardMs?: number | undefined
  /** Absent unless it was found within a day that it got other packets than it should: it was opened anew then. */
  readonly deaf?: { readonly reason: string; readonly agoMs: number; readonly times: number } | undefined
}

export interface GuardStatus {
  /** Why it is not in force at the moment; absent while it is. */
  readonly fault: string | undefined
  readonly services: readonly string[]
  readonly hideWith: string
  readonly alwaysAllow: readonly string[]
  /** Packets of strangers to guarded ports. */
  readonly hidden: number
}

export interface ExposedStatus {
  /** `tcp/22` */
  readonly service: string
  readonly forMs: number
}

/** Most ports and ranges that are said to be no longer hidden, one by one. */
export const EXPOSED_MAX = 64

/** How it is said that a service is no longer hidden, and what to do. */
export function exposedText(service: string): string {
  return `${service} is no longer hidden: add Guard = ${service} to keep it so`
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
  /** Whom the packet that opened it last claims to be by, which nothing proves. */
  readonly claimedUser: string | undefined
  /** What is open: `tcp/22`; empty for a command's. */
  readonly services: readonly string[]
  /** Where connections to them are sent on to; absent: nowhere. */
  readonly forward?: string | undefined
  readonly leftMs: number
}

export interface AttemptStatus {
  readonly source: string
  readonly doors: readonly string[]
  readonly stage: number
  readonly leftMs: number
}

export interface IgnoredStatus {
  readonly source: string
  /** A port scan; wrong codes; wrong codes behind the right sequence. */
  readonly why: 'scan' | 'codes' | 'codes behind'
  /** Names of the doors that ignore it; a scan is ignored by none where no scan could open one. */
  readonly doors: readonly string[]
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

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= BY_HAND_MAX_MS
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
