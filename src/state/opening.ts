import type { Family } from '../packet/address.ts'

/** The end of an opening, on two clocks. */
export interface Deadline {
  /** The time when this deadline was set, at the opening or its last extension: milliseconds since 1970. */
  readonly since: number
  /** Milliseconds since 1970. */
  readonly until: number
  /** The id of the boot that `bootUntil` counts from; `undefined`: the system has none. */
  readonly boot: string | undefined
  /** Milliseconds since that boot, including time asleep. */
  readonly bootUntil: number | undefined
}

/** A holder of an opening, with a deadline of their own. */
export interface Hold extends Deadline {
  /** The secret that opened it: a mark of `HolderMarks`, or `hand`; absent in records of an earlier version. */
  readonly holder?: string | undefined
  readonly user?: string | undefined
}

/** A door that is open for one source until a deadline. It holds everything that a new daemon needs to close it. */
export interface Opening extends Deadline {
  /** An id chosen by the caller, unlike that of any other present opening. 1 to {@link ID_MAX_CHARS} characters. */
  readonly id: string
  readonly door: string
  /** The address that it is open for, as text. */
  readonly source: string
  readonly family: Family
  /** Milliseconds since 1970. */
  readonly openedAt: number
  /** The command line that closes it, as the shell gets it; `undefined`: no command opened it. */
  readonly stop: string | undefined
  /** The user and group that run it, as `1:1`; absent: those of the daemon. */
  readonly as?: string | undefined
  /** The open or requested ports of the door, as `tcp/22,udp/53`; absent: all of them. */
  readonly services?: string | undefined
  /** The target that connections are forwarded to, as `198.51.100.7,22`; absent: no forwarding. */
  readonly forward?: string | undefined
  /** The user who opened it last, if the door has several users. */
  readonly user?: string | undefined
  /** The secret that opened it, as in {@link Hold}. */
  readonly holder?: string | undefined
  /** All holders, if there are or were several. */
  readonly holds?: readonly Hold[] | undefined
  /** The variables that the command gets in addition to the daemon's environment. */
  readonly environment: Readonly<Record<string, string>>
}

/** Most characters of an opening's id. */
export const ID_MAX_CHARS = 64
