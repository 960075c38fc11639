import { randomInt } from 'node:crypto'
import type { Address } from '../packet/address.ts'
import type { KnockEvent, LogEvent } from './event.ts'
import { LogFile } from './file.ts'
import { entryOf } from './format.ts'
import { Hosts } from './hosts.ts'
import { FloodLimit } from './limit.ts'
import { PRIORITY, debugLine, jsonLine, knockdLine, oneLine, plainText } from './line.ts'
import type { Entry, Level } from './line.ts'
import { Naming } from './naming.ts'
import { LineQueue } from './queue.ts'
import type { JournalFields, SystemLog } from './system-log.ts'

/** Milliseconds from the first dropped line to the report with the number of dropped lines. */
export const LEFT_OUT_REPORT_MS = 10_000
/** Milliseconds between two reports on standard error that the log cannot be written. */
export const FAILURE_REPORT_MS = 60_000
/** The most milliseconds that closing waits for unwritten lines. */
export const LOG_CLOSE_MAX_MS = 5_000
/** The most lines of a command's output that are logged. */
export const OUTPUT_LINES_MAX = 20
/** The longest line of a command's output in UTF-16 units. */
export const OUTPUT_LINE_MAX_CHARS = 1_024
const WORD = 2 ** 32
/** The kinds that unknown sources can cause. */
export const LIMITED: ReadonlySet<string> = new Set(
  'stage sequence-timeout scan wrong-codes withheld explanation'.split(' '),
)

/** The destinations and the format of the log. */
export interface LogSettings {
  readonly format: 'knockd' | 'json'
  readonly file: string | undefined
  readonly syslog: boolean
  /** Says when lines of syslog go to systemd's journal with fields. */
  readonly journalFields?: JournalFields | undefined
  readonly verbose: boolean
  readonly debug: boolean
  readonly lookup: boolean
}

/** The dependencies of the log. */
export interface LogSurroundings {
  /** Milliseconds since 1970. */
  now(): number
  /** Called after each event that is logged. */
  happened?(): void
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  /** The system log, as {@link SystemLog}; `undefined`: the system has no such log. */
  readonly syslog: SystemLog['write'] | undefined
  /** Looks up the host name of an address in the DNS. */
  lookup(address: string): Promise<string | undefined>
}

/**
 * Receives the events of the daemon beside the log's own outputs: for counters, streams and notifications. No method may
 * throw, wait or take long.
 */
export interface EventSink {
  /** Called with each event, also if its line is left out: in a flood, with the events of each packet. */
  happened?(event: LogEvent): void
  /** Called with each event that is within the limits for unknown sources, whatever the log shows. */
  admitted?(event: LogEvent, entry: Entry): void
}

/**
 * The daemon's log, which every event passes. Only {@link Log.openFile} and {@link Log.reopen} throw, and no method delays its caller. Lines that
 * unknown sources can cause are limited. Openings, commands and notices always appear.
 */
export class Log {
  #settings: LogSettings
  readonly #around: LogSurroundings
  readonly #file: LogFile
  readonly #syslog: LineQueue
  readonly #naming: Naming
  readonly #knocks: FloodLimit
  /** A separate limit, so that explanations do not use up the lines that they explain. */
  readonly #explanations: FloodLimit
  readonly #counting: Pick<Required<EventSink>, 'happened'>[] = []
  readonly #keeping: Pick<Required<EventSink>, 'admitted'>[] = []
  #leftOut = 0
  #leftOutTimer: NodeJS.Timeout | undefined
  #failedAt = -Infinity
  #closed = false

  constructor(settings: LogSettings, surroundings: LogSurroundings) {
    this.#settings = settings
    this.#around = surroundings
    const now = (): number => surroundings.now()
    const lost = (lines: number): void =>
      this.notice('warning', `${lines} lines left out (the log could not be written in time)`)
    this.#file = new LogFile({ failed: (error) => this.#failed(this.#settings.file ?? 'log file', error), lost })
    this.#syslog = new LineQueue({
      write: async (lines) => {
        for (const { priority, text, entry } of lines) {
          await surroundings.syslog?.(priority, text, entry!, this.#settings.journalFields)
        }
      },
      failed: (error) => this.#failed('syslog', error),
      lost,
    })
    const hosts = new Hosts((address) => surroundings.lookup(address), now)
    this.#naming = new Naming(hosts, (entry, host) => this.#write(entry, host))
    this.#knocks = new FloodLimit([randomInt(WORD), randomInt(WORD)])
    this.#explanations = new FloodLimit([randomInt(WORD), randomInt(WORD)])
  }

  /** Opens the log file, if one is set. @throws the system's error with the path */
  async openFile(): Promise<void> {
    await this.#file.open(this.#settings.file, this.#settings.format)
  }

  /**
   * Opens the log file again, possibly with new settings.
   *
   * @throws the system's error with the path; the previous settings stay then
   */
  async reopen(settings: LogSettings): Promise<void> {
    await this.#file.open(settings.file, settings.format)
    this.#settings = settings
    if (settings.file !== undefined) this.event({ kind: 're-opening', file: settings.file })
  }

  /** Has a sink receive all later events. */
  attach(sink: EventSink): void {
    // A sink is called only for what it takes, as a flood has an event for each packet.
    if (hasMethod(sink, 'happened')) this.#counting.push(sink)
    if (hasMethod(sink, 'admitted')) this.#keeping.push(sink)
  }

  /**
   * Logs an event. Those that unknown sources can cause are limited. Explanations are for `-D` and JSON only. A line that
   * is left out is not even formed.
   */
  event(event: LogEvent): void {
    const { kind } = event
    for (const sink of this.#counting) sink.happened(event)
    if (kind === 'explanation' && !this.#explains) return
    if (LIMITED.has(kind) && !this.#admitted(kind, (event as KnockEvent).source)) return
    if (kind === 'shutting-down') this.#reportLeftOut()
    if (this.#closed) return
    const entry = entryOf(event, this.#around.now())
    for (const sink of this.#keeping) sink.admitted(event, entry)
    // Host names are looked up only for lines above the level debug.
    this.#naming.add(entry, this.#settings.lookup && entry.level !== 'debug')
    this.#around.happened?.()
  }

  /** Logs a message that is no event of a door. */
  notice(level: Level, text: string): void {
    this.event({ kind: 'notice', level, text })
  }

  /** Logs the output of a command line by line, at most {@link OUTPUT_LINES_MAX} lines. */
  output(door: string, printed: string): void {
    const lines = printed.split('\n', OUTPUT_LINES_MAX + 1).map((line) => line.replace(/\r$/, ''))
    const more = lines.length > OUTPUT_LINES_MAX
    for (const line of lines.slice(0, OUTPUT_LINES_MAX)) {
      const output = line.length > OUTPUT_LINE_MAX_CHARS ? `${line.slice(0, OUTPUT_LINE_MAX_CHARS - 1)}…` : line
      this.event({ kind: 'output', door, output })
    }
    const what = `command printed more than ${OUTPUT_LINES_MAX} lines`
    if (more) this.event({ kind: 'trouble', level: 'info', door, what })
  }

  /** Writes all accepted lines and closes the log. It waits for {@link LOG_CLOSE_MAX_MS} at most. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#reportLeftOut()
    this.#closed = true
    this.#naming.flush()
    let limit: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      limit = setTimeout(resolve, LOG_CLOSE_MAX_MS)
    })
    await Promise.race([Promise.all([this.#file.close(), this.#syslog.idle()]), late])
    clearTimeout(limit)
  }

  #admitted(kind: LogEvent['kind'], source: Address): boolean {
    const limit = kind === 'explanation' ? this.#explanations : this.#knocks
    if (limit.admit(source, this.#around.now())) return true
    this.#leftOut++
    if (this.#leftOutTimer === undefined && !this.#closed) {
      this.#leftOutTimer = setTimeout(() => this.#reportLeftOut(), LEFT_OUT_REPORT_MS)
      this.#leftOutTimer.unref()
    }
    return false
  }

  #reportLeftOut(): void {
    clearTimeout(this.#leftOutTimer)
    this.#leftOutTimer = undefined
    const lines = this.#leftOut
    this.#leftOut = 0
    if (lines > 0) this.event({ kind: 'left-out', lines })
  }

  get #explains(): boolean {
    const { debug, format, file } = this.#settings
    return debug || (format === 'json' && file !== undefined)
  }

  #write(entry: Entry, host: string | undefined): void {
    const { format, file, verbose, debug } = this.#settings
    const syslog = this.#settings.syslog && this.#around.syslog !== undefined
    const { level, urgent = false, notInFile = false } = entry
    const priority = PRIORITY[level]
    if (file !== undefined && !notInFile && (format === 'json' || level !== 'debug')) {
      const text = format === 'json' ? jsonLine(entry, host) : knockdLine(entry, host)
      this.#file.push({ text, priority, urgent })
    }
    if (level === 'debug') {
      if (debug) print(this.#around.stdout, debugLine(entry, host))
      return
    }
    if (syslog) this.#syslog.push({ text: plainText(entry, host), priority, urgent, entry })
    if (verbose) {
      const { verboseText } = entry
      print(this.#around.stdout, `${verboseText === undefined ? plainText(entry, host) : oneLine(verboseText)}\n`)
    }
    // Warnings and errors go to standard error if there is no other output.
    const unheard = file === undefined && !syslog && !verbose
    if (unheard && priority <= PRIORITY.warning) print(this.#around.stderr, `knockd: ${plainText(entry, host)}\n`)
  }

  #failed(what: string, error: Error): void {
    const now = this.#around.now()
    if (Math.abs(now - this.#failedAt) < FAILURE_REPORT_MS) return
    this.#failedAt = now
    print(this.#around.stderr, `knockd: ${oneLine(`${what}: ${error.message}`)}\n`)
  }
}

function hasMethod<Name extends keyof EventSink>(
  sink: EventSink,
  name: Name,
): sink is EventSink & Pick<Required<EventSink>, Name> {
  return sink[name] !== undefined
}

/** Prints text, and ignores that the reader of standard output or standard error may be gone. */
function print(stream: { write(text: string): unknown }, text: string): void {
  try {
    stream.write(text)
  } catch {
    // The reader is gone.
  }
}
