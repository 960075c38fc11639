import { SHORT_MESSAGE_MAX_BYTES, journalFields, journalMessage } from './journal-message.ts'
import type { Field } from './journal-message.ts'
import type { Entry } from './line.ts'

/** journald's sockets: for messages with fields, and the one of a syslog daemon to which journald forwards lines. */
export const JOURNAL_SOCKET = '/run/systemd/journal/socket'
export const FORWARD_SOCKET = '/run/systemd/journal/syslog'
/** Milliseconds until journald is tried again, after it was missing. */
export const JOURNAL_AWAY_MS = 10_000
/** Milliseconds until a full socket is tried again. The lines behind wait in the queue, which has a bound. */
export const JOURNAL_FULL_MS = 50

/**
 * The journal gets fields never, always, or (`undefined`) unless journald forwards lines to a syslog daemon. It puts the
 * process id into those that it got by its own protocol, and programs that read that daemon's files know knockd's lines.
 */
export type JournalFields = boolean | undefined

/** The dependencies of the system log. */
export interface SystemLogDeps {
  /** The name of the program in its lines. */
  readonly identity: string
  /** Milliseconds of a steady clock. */
  now(): number
  /** Returns true if there is a file at a path. */
  exists(path: string): boolean
  /** Returns true if a process has a socket open at a path. */
  isServed(path: string): boolean
  /** Sends a datagram to a socket, without waiting. Returns `undefined`, or the name of the error. */
  send(path: string, bytes: Uint8Array): string | undefined
  /** Calls syslog(3). It may wait for the log. */
  syslog(priority: number, text: string): Promise<void>
  sleep(ms: number): Promise<void>
}

/**
 * The system log: systemd's journal by its own protocol, so that lines have fields, and else syslog(3). A line goes to
 * one of them. Without systemd only syslog(3) is called.
 */
export class SystemLog {
  readonly #deps: SystemLogDeps
  #awayUntil = -Infinity

  constructor(deps: SystemLogDeps) {
    this.#deps = deps
  }

  /**
   * Writes a line. It waits as long as the log is full, so one line must be written after another.
   *
   * @param priority as for syslog(3), without facility
   */
  async write(priority: number, text: string, entry: Entry, wanted: JournalFields): Promise<void> {
    const deps = this.#deps
    if (this.#isUsable(wanted) && (await this.#send(journalFields(deps.identity, entry, priority, text)))) return
    await deps.syslog(priority, text)
  }

  async #send(fields: readonly Field[]): Promise<boolean> {
    const deps = this.#deps
    let bytes = journalMessage(fields)
    for (let cut = false; ;) {
      const error = deps.send(JOURNAL_SOCKET, bytes)
      if (error === undefined) return true
      if (error === 'EAGAIN' || error === 'ENOBUFS') {
        await deps.sleep(JOURNAL_FULL_MS)
      } else if (error === 'EMSGSIZE' && !cut) {
        cut = true
        bytes = journalMessage(fields, SHORT_MESSAGE_MAX_BYTES)
      } else {
        this.#awayUntil = deps.now() + JOURNAL_AWAY_MS
        return false
      }
    }
  }

  /** Looks for journald's socket. If it is missing, the next look is after {@link JOURNAL_AWAY_MS}. */
  #isUsable(wanted: JournalFields): boolean {
    const deps = this.#deps
    if (wanted === false || deps.now() < this.#awayUntil) return false
    if (deps.exists(JOURNAL_SOCKET)) return wanted === true || !deps.isServed(FORWARD_SOCKET)
    this.#awayUntil = deps.now() + JOURNAL_AWAY_MS
    return false
  }
}
