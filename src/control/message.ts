import type { SecretConfig } from '../config/config.ts'

/** The longest request in bytes. */
export const REQUEST_MAX_BYTES = 4_096
/** The longest reply in bytes. */
export const REPLY_MAX_BYTES = 64 * 1_048_576
/** The most attempts that a status lists. The count includes all. */
export const ATTEMPTS_LISTED_MAX = 100
/** The most ignored sources that a status lists. */
export const IGNORED_LISTED_MAX = 100

/** A request of an operator to the daemon: one line of JSON. */
export type Request =
  | { readonly command: 'status' }
  /**
   * Opens a door by hand. The `source` is an address as text, and `forMs` is in milliseconds (default: the door's own
   * time).
   */
  | { readonly command: 'open'; readonly door: string; readonly source: string; readonly forMs?: number }
  /** Closes openings by hand. Without door or source, all doors or sources match. */
  | { readonly command: 'close'; readonly door?: string; readonly source?: string }
  /** Stops ignoring an address. */
  | { readonly command: 'forgive'; readonly source: string }
  /** Replaces the list that the daemon keeps for a door. */
  | { readonly command: 'rotate'; readonly door: string }
  /** Reads the file of a door's users again, closes what nobody may hold any more, and returns the users in force. */
  | { readonly command: 'users'; readonly door: string }
  /**
   * Opens a door to packets again that a loss of state has shut. Only users who can read the state know the journal's
   * `id`.
   */
  | { readonly command: 'accept-loss'; readonly door: string; readonly id: string }

/** The daemon's reply: one line of JSON. */
export type Reply =
  | { readonly status: Status }
  | { readonly users: DoorUsers }
  /** A description of the result for people. */
  | { readonly done: string; readonly count: number }
  | { readonly error: string; readonly hint?: string }

/** The users of a door who are in force. */
export interface UsersInForce {
  /** The path of their file. */
  readonly file: string
  /** The reason why the present file is not in force; absent if it is. */
  readonly fault?: string | undefined
  readonly users: readonly {
    readonly name: string
    /** The last use that the journal knows of, in milliseconds since 1970. */
    readonly lastUsedMs?: number | undefined
  }[]
}

/** The users of a door, and its openings. */
export interface DoorUsers extends UsersInForce {
  readonly openings: readonly OpeningStatus[]
}

/** The state of a daemon. Times are in milliseconds. */
export interface Status {
  readonly version: string
  /** The daemon's process, as the kernel names it to the one who asks; `undefined`: it is unknown. */
  readonly pid: number | undefined
  /** The file of the daemon's program. */
  readonly program: string
  readonly config: string
  readonly upMs: number
  readonly interfaces: readonly InterfaceStatus[]
  readonly guard: GuardStatus | undefined
  /** Ports that were hidden, and that the config stopped naming less than a day ago. */
  readonly exposed: readonly ExposedStatus[]
  readonly doors: readonly DoorStatus[]
  readonly openings: readonly OpeningStatus[]
  /** Absent for members of Control_Group. By watching the stage, they could find the ports of a sequence one by one. */
  readonly attempts:
    { readonly count: number; readonly sources: number; readonly listed: readonly AttemptStatus[] } | undefined
  /** The ignored sources, latest first, at most {@link IGNORED_LISTED_MAX}. */
  readonly ignored: readonly IgnoredStatus[]
  /** The journal's last error; absent while it works. */
  readonly journal: string | undefined
  /** The daemon's internal faults; absent if there were none. */
  readonly faults?: { readonly count: number; readonly last: string; readonly agoMs: number } | undefined
  /** The path of the journal. */
  readonly state: string
}

export interface InterfaceStatus {
  readonly name: string
  /** The reason why it is not captured; absent if it is. */
  readonly waiting: string | undefined
  /**
   * The packets that the filter accepted, and the lost ones among them, since the capture began. Absent for members of
   * Control_Group, because the filter accepts UDP knocks but little other UDP.
   */
  readonly received: number | undefined
  readonly dropped: number | undefined
  /** Milliseconds since the last packet that the filter accepted. Absent if there was none, and for members. */
  readonly heardMs?: number | undefined
  /**
   * The disturbance of the capture if it received wrong packets within a day; it was reopened then. Otherwise absent.
   */
  readonly deaf?: { readonly reason: string; readonly agoMs: number; readonly times: number } | undefined
}

export interface GuardStatus {
  /** The reason why the guard is not in force; absent if it is. */
  readonly fault: string | undefined
  readonly services: readonly string[]
  readonly hideWith: string
  readonly alwaysAllow: readonly string[]
  /** Packets from unknown sources to guarded ports. */
  readonly hidden: number
}

export interface ExposedStatus {
  /** The service, such as `tcp/22`. */
  readonly service: string
  readonly forMs: number
}

/** The most ports and ranges that are reported one by one as no longer hidden. */
export const EXPOSED_MAX = 64

/** Returns the message that a service is no longer hidden, with the fix. */
export function exposedText(service: string): string {
  return `${service} is no longer hidden: add Guard = ${service} to keep it so`
}

export interface DoorStatus {
  readonly name: string
  readonly secret: SecretConfig['kind']
  /** The number of sequences left; absent if there is no list. */
  readonly left?: number | undefined
  /** The number of users; absent if all have one secret. */
  readonly users?: number | undefined
  readonly opens: readonly string[]
  readonly commands: boolean
  readonly openForMs: number
  /** The reason why the door opens to nobody, with the fix; absent if it opens. */
  readonly shut: string | undefined
}

/** An opening, for lists of what is open. */
export interface OpeningStatus {
  readonly door: string
  readonly source: string
  /** The user who opened it last, if the door has several users. */
  readonly user: string | undefined
  /** All users who hold it, if there are several. */
  readonly users?: readonly string[] | undefined
  /** The user that the last packet named without proof. The journal does not have it. */
  readonly claimedUser: string | undefined
  /** The open services, such as `tcp/22`; empty for an opening by commands. */
  readonly services: readonly string[]
  /** The destination of forwarded connections; absent without forwarding. */
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
  /** The cause: a port scan, wrong codes, or wrong codes after the correct sequence. */
  readonly why: 'scan' | 'codes' | 'codes behind'
  /** The names of the doors that ignore it. There are none for a scan if no scan could open a door. */
  readonly doors: readonly string[]
  readonly leftMs: number
}

/** The longest opening by hand: a year, in milliseconds. */
export const BY_HAND_MAX_MS = 365 * 86_400_000

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
  if (command === 'status') return { command }
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

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 1 && value <= BY_HAND_MAX_MS
}

function isOptionalText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}
