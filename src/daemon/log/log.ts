import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { LogFile } from './file.ts'
import { LEFT_OUT_EVERY_MS, LineLimit } from './limit.ts'
import { Names } from './names.ts'
import type { Lookup } from './names.ts'
import { knockdTime, zonedTime } from './time.ts'

/** How much a line matters. */
export type Level = 'debug' | 'info' | 'notice' | 'warning' | 'error'
/** syslog(3)'s numbers. */
const PRIORITY: Readonly<Record<Level, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 }
/** Most characters of a line. */
export const LINE_MAX_CHARS = 8_192
/** Lines that wait for the system log at most. */
const SYSLOG_WAITING_MAX = 1_024

/** Where lines go, and in which form. */
export interface LogSettings {
  readonly format: 'knockd' | 'json'
  readonly file: string | undefined
  readonly syslog: boolean
  /** Lines go to standard output too. */
  readonly verbose: boolean
  /** Lines of level debug are written. */
  readonly debug: boolean
  /** Addresses are followed by host names. */
  readonly lookup: boolean
}

/** What a log needs of the outside. */
export interface LogOutside {
  now(): number
  out(text: string): void
  err(text: string): void
  syslog(priority: number, text: string): Promise<void>
  readonly lookup: Lookup
}

/** One thing that happened. */
interface Event {
  readonly level: Level
  /** Name in JSON. */
  readonly event: string
  readonly source?: string
  readonly door?: string
  /** What stands behind address and door. */
  readonly text: string
  /** Instead of `text` on standard output. */
  readonly shown?: string
  readonly fields?: Readonly<Record<string, string | number>>
  /** Never left out. */
  readonly must?: boolean
}

/** The daemon's log: knockd's lines to the letter, or JSON. Nothing here is waited for by whoever calls it. */
export class Log {
  readonly #outside: LogOutside
  readonly #limit: LineLimit
  readonly #names: Names
  #settings: LogSettings
  #file: LogFile | undefined
  #telling: NodeJS.Timeout | undefined
  #syslogWaiting = 0
  #syslog = Promise.resolve()

  private constructor(settings: LogSettings, outside: LogOutside, file: LogFile | undefined) {
    this.#settings = settings
    this.#outside = outside
    this.#file = file
    this.#limit = new LineLimit(outside.now())
    this.#names = new Names(outside.lookup)
  }

  /** Opens the log. @throws the system's error if its file cannot be opened */
  static async open(settings: LogSettings, outside: LogOutside): Promise<Log> {
    return new Log(settings, outside, await openFile(settings, outside))
  }

  /** Opens the file anew, under other settings. @throws the system's error; then all stays as it was */
  async reopen(settings: LogSettings): Promise<void> {
    const file = await openFile(settings, this.#outside)
    const before = this.#file
    this.#file = file
    this.#settings = settings
    await before?.close()
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    this.#tellLeftOut()
    await this.#syslog
    await this.#file?.close()
    this.#file = undefined
  }

  starting(interfaces: readonly string[]): void {
    const names = interfaces.join(', ')
    const text = `starting up, listening on ${names}`
    this.#write({ level: 'notice', event: 'listening', text, shown: `listening on ${names}...`, must: true })
  }

  rereading(file: string): void {
    this.#write({ level: 'notice', event: 'reload', text: `re-reading config file: ${file}`, must: true })
  }

  shuttingDown(): void {
    this.#write({ level: 'notice', event: 'end', text: 'shutting down', must: true })
  }

  stage(source: Address, door: string, stage: number): void {
    if (!this.#allows(source)) return
    this.#write({
      level: 'notice',
      event: 'stage',
      source: formatAddress(source),
      door,
      text: `Stage ${stage}`,
      fields: { stage },
    })
  }

  open(source: Address, door: string): void {
    this.#write({
      level: 'notice',
      event: 'open',
      source: formatAddress(source),
      door,
      text: 'OPEN SESAME',
      must: true,
    })
  }

  sequenceTimeout(source: Address, door: string, stage: number): void {
    if (!this.#allows(source)) return
    const text = `sequence timeout (stage ${stage})`
    this.#write({ level: 'notice', event: 'timeout', source: formatAddress(source), door, text, fields: { stage } })
  }

  scanning(source: Address, seconds: number): void {
    if (!this.#allows(source)) return
    const text = `scanning, ignored for ${seconds} s`
    this.#write({ level: 'notice', event: 'scan', source: formatAddress(source), text, fields: { seconds } })
  }

  /** Why a knock came to nothing; written only where that was asked for. */
  explain(
    source: Address,
    door: string | undefined,
    reason: string,
    fields: Readonly<Record<string, string | number>>,
  ): void {
    if (!this.#settings.debug && this.#settings.format !== 'json') return
    if (!this.#allows(source)) return
    const detail = Object.entries(fields).map(([name, value]) => `${name} ${value}`)
    const text = `${reason} (${detail.join(', ')})`
    const about = { source: formatAddress(source), ...(door === undefined ? {} : { door }) }
    this.#write({ level: 'debug', event: 'passed', ...about, text, fields: { reason, ...fields } })
  }

  running(door: string, command: string): void {
    this.#write({
      level: 'notice',
      event: 'command',
      door,
      text: `running command: ${command}`,
      fields: { command },
      must: true,
    })
  }

  output(door: string, output: string): void {
    for (const line of output.split('\n')) {
      this.#write({ level: 'info', event: 'output', door, text: `command output: ${line}`, fields: { output: line } })
    }
  }

  commandTimeout(source: string, door: string): void {
    this.#write({ level: 'notice', event: 'deadline', source, door, text: 'command timeout', must: true })
  }

  status(door: string, status: number): void {
    const text = `command returned non-zero status code (${status})`
    this.#write({ level: 'notice', event: 'status', door, text, fields: { status }, must: true })
  }

  notice(level: Level, text: string): void {
    for (const line of text.split('\n')) this.#write({ level, event: 'notice', text: line, must: level !== 'debug' })
  }

  #allows(source: Address): boolean {
    if (this.#limit.allows(() => formatAddress(source), this.#outside.now())) return true
    this.#telling ??= setTimeout(() => this.#tellLeftOut(), LEFT_OUT_EVERY_MS)
    return false
  }

  #tellLeftOut(): void {
    clearTimeout(this.#telling)
    this.#telling = undefined
    const count = this.#limit.tell()
    if (count === 0) return
    const text = `${count} lines left out, too many knocks`
    this.#write({ level: 'notice', event: 'left out', text, fields: { count }, must: true })
  }

  #write(event: Event): void {
    if (event.level === 'debug' && !this.#settings.debug && this.#settings.format !== 'json') return
    const now = this.#outside.now()
    if (this.#settings.lookup && event.source !== undefined) {
      this.#names.with(event.source, now, (name) => this.#put(event, name, now))
    } else {
      this.#put(event, undefined, now)
    }
  }

  #put(event: Event, name: string | undefined, now: number): void {
    const { format, verbose, debug, syslog } = this.#settings
    const about = [event.source, event.door].filter((part) => part !== undefined)
    if (name !== undefined && about.length > 0) about[0] = `${about[0]} (${name})`
    const prefix = about.map((part) => `${part}: `).join('')
    const text = printable(`${prefix}${event.text}`)
    const isDebug = event.level === 'debug'
    const must = event.must === true
    if (this.#file !== undefined && format === 'json') this.#file.write(`${json(event, name, now)}\n`, must)
    else if (this.#file !== undefined && !isDebug) this.#file.write(`[${knockdTime(now)}] ${text}\n`, must)
    if (isDebug ? debug : verbose) {
      const shown = printable(`${prefix}${event.shown ?? event.text}`)
      this.#outside.out(isDebug ? `${zonedTime(now)} ${shown}\n` : `${shown}\n`)
    }
    if (syslog && !isDebug) this.#toSyslog(PRIORITY[event.level], text)
  }

  /** One after the other: they come from threads, and would overtake each other. */
  #toSyslog(priority: number, text: string): void {
    if (this.#syslogWaiting >= SYSLOG_WAITING_MAX) return
    this.#syslogWaiting++
    this.#syslog = this.#syslog.then(async () => {
      await this.#outside.syslog(priority, text)
      this.#syslogWaiting--
    })
  }
}

async function openFile({ file }: LogSettings, outside: LogOutside): Promise<LogFile | undefined> {
  return file === undefined ? undefined : await LogFile.open(file, (text) => outside.err(`knockd: ${text}\n`))
}

function json(event: Event, name: string | undefined, now: number): string {
  const { level, source, door, text, fields } = event
  const host = name === undefined ? {} : { host: name }
  return JSON.stringify({
    time: zonedTime(now),
    level,
    event: event.event,
    source,
    ...host,
    door,
    ...fields,
    text: printable(text),
  })
}

/** Without characters that would make two lines of one, or move a terminal's cursor; and no longer than a line may be. */
function printable(text: string): string {
  const cut = text.length > LINE_MAX_CHARS ? `${text.slice(0, LINE_MAX_CHARS)}…` : text
  return cut.replaceAll(/\p{Cc}/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}
