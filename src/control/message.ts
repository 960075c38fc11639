import type { SecretConfig } from '../config/config.ts'

/** The longest request in bytes. */
export const REQUEST_MAX_BYTES = 4_096
/** The longest reply in bytes. */
export const REPLY_MAX_BYTES = 64 * 1_048_576
/** The most attempts that a status lists. The count includes all. */
export const ATTEMPTS_LISTED_MAX = 100
/** The most ignored sources that a status lists. */
export const IGNORED_LISTED_MAX = 100

/** The most doors and openings, of each, that a request for a status can limit the reply to. */
export const STATUS_ROWS_MAX = 10_000

/** The most doors, users and networks that a request names, of each. */
export const EVENTS_NAMED_MAX = 32
/** The longest time that a request for events goes back: a year, in milliseconds. */
export const EVENTS_SINCE_MAX_MS = 365 * 86_400_000

/** A choice of events or openings: what matches one of each list that is given. */
export interface Choice {
  readonly doors?: readonly string[]
  readonly users?: readonly string[]
  /** Addresses and networks, as `192.0.2.0/24`. */
  readonly sources?: readonly string[]
}

/**
 * Asks for the kept events, oldest first, and with `follow` for all later ones. The reply has many lines of JSON: events
 * as in the JSON log, and {@link EVENTS_END} at the end.
 */
export interface EventsRequest extends Choice {
  readonly command: 'events'
  readonly follow?: boolean
  /** Omits events that are older than so many milliseconds. */
  readonly sinceMs?: number
}

/**
 * Asks for the status. With `rows` the reply has at most so many doors and openings, those that match, and their numbers
 * in all, and its cost does not grow with what is open. Otherwise it has all of them.
 */
export interface StatusRequest extends Choice {
  readonly command: 'status'
  readonly rows?: number
}

/** The last line of a reply with events. Without it, the daemon ended, or the reader was too slow. */
export const EVENTS_END = { end: 'events' } as const

/** A request of an operator to the daemon: one line of JSON. */
export type Request =
  | StatusRequest
  /** Asks for the status as OpenMetrics text. */
  | { readonly command: 'metrics' }
  | EventsRequest
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
  /** `inAll`: the numbers of doors and openings that match, if the request limits the rows. */
  | { readonly status: Status; readonly inAll?: { readonly doors: number; readonly openings: number } }
  | { readonly users: DoorUsers }
  /** OpenMetrics text. */
  | { readonly metrics: string }
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
  /** The counts so far. Absent in daemons of earlier versions, as are `clock` and `health`. */
  readonly totals?: TotalsStatus
  readonly clock?: ClockStatus
  /** This host's fleet; absent if it is in none. */
  readonly fleet?: FleetStatus | undefined
  readonly health?: readonly Health[]
}

/** The state of a host in a fleet. */
export interface FleetStatus {
  /** The names of the fleet and of this host; absent if the fleet's files cannot be used. */
  readonly name?: string | undefined
  readonly host?: string | undefined
  /** The versions in force of the documents that operators sign. */
  readonly hosts?: number | undefined
  readonly users?: number | undefined
  /** The reason why doors of the fleet stay shut; absent if they do not. */
  readonly shut?: string | undefined
  /** Problems that keep no door shut. */
  readonly problems: readonly string[]
}

/** The state of the clock. */
export interface ClockStatus {
  /** Absent if the kernel does not tell. */
  readonly synchronised: boolean | undefined
  /** True if doors wait for codes or dated packets, which a wrong clock keeps shut. */
  readonly needed: boolean
  /** Milliseconds since 1970. */
  readonly now: number
}

/** The parts of the daemon whose health is judged. */
export const HEALTH_SUBJECTS = ['capture', 'guard', 'journal', 'clock', 'lists', 'doors', 'fleet', 'daemon'] as const
/** The states of health, the worst last. */
export const HEALTH_STATES = ['ok', 'warning', 'critical'] as const

/** The health of a part of the daemon. */
export interface Health {
  readonly subject: (typeof HEALTH_SUBJECTS)[number]
  readonly state: (typeof HEALTH_STATES)[number]
  /** The problems, or a word on the healthy part: one line. */
  readonly message: string
}

/** The reasons why a door stays shut: the knock or packet was too slow, not right any more, or not permitted. */
export const REFUSALS = ['timeout', 'strays', 'wrong codes', 'used before', 'not allowed', 'revoked', 'failed'] as const
export type RefusalReason = (typeof REFUSALS)[number]

/** The upper bounds of the times in {@link Totals.latency}, in seconds. Longer ones are in a last count. */
export const LATENCY_BOUNDS_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const

/** Counts of what happened. A member of Control_Group gets openings and failed commands alone. */
export interface Totals {
  /** Openings by door. The empty name has those of doors that left the config, or are beyond the limit. */
  readonly openings: Readonly<Record<string, number>>
  /** Commands that failed, by door. */
  readonly commandFailures: Readonly<Record<string, number>>
  readonly refusals?: Readonly<Record<RefusalReason, number>> | undefined
  /** Single packets that came again. */
  readonly replays?: number | undefined
  readonly scans?: number | undefined
  /** Sources that sent too many wrong codes. */
  readonly guesses?: number | undefined
  /** Packets that brought their source to a stage of a sequence, and single packets. Absent in earlier versions. */
  readonly knocks?: number | undefined
  /** Packets that the kernel's filter accepted; those that the daemon looked at; and those that were lost. */
  readonly packets?: { readonly seen: number; readonly taken: number; readonly lost: number } | undefined
  /** Times from the capture of the last packet to the opening: how many within each bound, and their sum. */
  readonly latency?: { readonly counts: readonly number[]; readonly sumS: number } | undefined
}

export interface TotalsStatus {
  /** The time of the first count, in milliseconds since 1970. */
  readonly since: number
  /** The counts since `since`, over restarts. After a crash, those of the last minute may be missing. */
  readonly all: Totals
  /** The counts since the daemon began. */
  readonly start: Totals
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
  /** Packets from unknown sources to guarded ports; absent if the request limits the rows. */
  readonly hidden?: number | undefined
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
  /** The secret in words, without ports. Absent in daemons of earlier versions. */
  readonly waits?: string
  /** The number of sequences left; absent if there is no list. */
  readonly left?: number | undefined
  /** The number of sequences left from which on a list that nobody refills is low. */
  readonly lowWater?: number | undefined
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
  /** The host of the fleet that told of the opening; absent: it was made here. */
  readonly from?: string | undefined
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
