import type { Family } from '../packet/address.ts'

/** Until when something is open, on two clocks. */
export interface Deadline {
  /** When this deadline was set: at the opening, or at the last extension; milliseconds since 1970. */
  readonly since: number
  /** Milliseconds since 1970. */
  readonly until: number
  /** Which boot `bootUntil` counts from; `undefined` where the system does not say. */
  readonly boot: string | undefined
  /** Milliseconds since that boot, time asleep included. */
  readonly bootUntil: number | undefined
}

/** Somebody who holds an opening, until a deadline of their own. */
export interface Hold extends Deadline {
  /** Which secret opened it: a mark of `HolderMarks`, or `hand`; absent: an earlier version did not write that down. */
  readonly holder?: string | undefined
  readonly user?: string | undefined
}

/** One door, open for one source, until a deadline: all that is needed to close it, by a daemon that knows no more. */
export interface Opening extends Deadline {
  /** Chosen by the caller; no two openings at a time have the same. 1 to {@link ID_MAX_CHARS} characters. */
  readonly id: string
  readonly door: string
  /** The address it is open for, as text. */
  readonly source: string
  readonly family: Family
  /** Milliseconds since 1970. */
  readonly openedAt: number
  /** What closes it: a command line as the shell gets it; `undefined` for an opening that is no command's. */
  readonly stop: string | undefined
  /** Which of the door's ports are open, or were asked for, as `tcp/22,udp/53`; absent: all of them. */
  readonly services?: string | undefined
  /** Where connections to them are sent on to, as `198.51.100.7,22`; absent: nowhere. */
  readonly forward?: string | undefined
  /** Who opened it last, where the door has several users. */
  readonly user?: string | undefined
  /** Which secret opened it, as {@link Hold} has it. */
  readonly holder?: string | undefined
  /** Everybody who holds it, where several do or did. */
  readonly holds?: readonly Hold[] | undefined
  /** What the command finds in its environment beside the daemon's own. */
  readonly environment: Readonly<Record<string, string>>
}

/** Most characters of an opening's id. */
export const ID_MAX_CHARS = 64
