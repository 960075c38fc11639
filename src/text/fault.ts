import { codePoint } from './code-point.ts'

/** Most errors, and most warnings, that one reading reports. Further ones are only counted. */
export const FAULTS_MAX = 1_000
/** Most characters of somebody's text that a message quotes. */
const QUOTE_MAX_CHARS = 64

/** One fault in a text file, and its correction. */
export interface Fault {
  /** `error`: the file cannot be used. `warning`: the file works, but has a problem. */
  readonly severity: 'error' | 'warning'
  /** The file with the fault, if it is not the file that was read but one that it names. */
  readonly file?: string
  /** Place of the word at fault, from 1. The column counts UTF-16 units; in a one-time file it counts bytes. */
  readonly line: number
  readonly column: number
  /** Lower case, no full stop, no secret. */
  readonly message: string
  /** The correction, if there is one to suggest. */
  readonly hint?: string
  /** The fault is found in most old configs, and is reported after all others. */
  readonly last?: true
}

/**
 * Formats a fault as `file:line:column: severity: message`. The hint follows on its own line, indented by four. The
 * text has no line end.
 *
 * @param file the config's name; a fault in another file names that file instead
 */
export function formatFault(file: string, fault: Fault): string {
  const { line, column, severity, message, hint } = fault
  const text = `${fault.file ?? file}:${line}:${column}: ${severity}: ${message}`
  return hint === undefined ? text : `${text}\n    ${hint}`
}

/**
 * Quotes somebody's text in backticks, safe for a terminal and a log. The text is cut at 64 characters. Characters that
 * do not show as themselves (controls, unusual blanks, bidirectional marks) are written as `<U+200B>`.
 */
export function quote(text: string): string {
  const cut = text.length > QUOTE_MAX_CHARS ? `${text.slice(0, QUOTE_MAX_CHARS)}…` : text
  return `\`${cut.replaceAll(/[^\P{C}]|[^\P{Z} ]/gu, codePoint)}\``
}

/** Makes a fault. A hint or file of `undefined` is left out. */
export function faultAt(
  severity: Fault['severity'],
  line: number,
  column: number,
  message: string,
  hint?: string,
  file?: string,
): Fault {
  const of = file === undefined ? {} : { file }
  return { severity, ...of, line, column, message, ...(hint === undefined ? {} : { hint }) }
}

/** Collects the faults of one file. Lines and columns are from 1. */
export interface FaultSink {
  error(line: number, column: number, message: string, hint?: string): void
  warning(line: number, column: number, message: string, hint?: string): void
}

/** Collects faults in any order. The list holds {@link FAULTS_MAX} of each severity and counts the rest. */
export class FaultList implements FaultSink {
  readonly #errors: Fault[] = []
  readonly #warnings: Fault[] = []
  #left = 0

  /** True if one of the faults is an error. */
  get failed(): boolean {
    return this.#errors.length > 0
  }

  error(line: number, column: number, message: string, hint?: string): void {
    this.add(faultAt('error', line, column, message, hint))
  }

  warning(line: number, column: number, message: string, hint?: string): void {
    this.add(faultAt('warning', line, column, message, hint))
  }

  /** Returns a sink for the faults of another file, kept in this list; `undefined`: this list's own file. */
  of(file: string | undefined): FaultSink {
    if (file === undefined) return this
    const add =
      (severity: Fault['severity']): FaultSink['error'] =>
      (line, column, message, hint) =>
        this.add(faultAt(severity, line, column, message, hint, file))
    return { error: add('error'), warning: add('warning') }
  }

  add(fault: Fault): void {
    const list = fault.severity === 'error' ? this.#errors : this.#warnings
    if (list.length < FAULTS_MAX) list.push(fault)
    else this.#left++
  }

  /** Returns the faults by place, those of other files last, followed by the number of omitted ones. */
  sorted(): readonly Fault[] {
    const faults = [...this.#errors, ...this.#warnings].sort(byPlace)
    if (this.#left === 0) return faults
    const { severity, line, column } = faults.at(-1)!
    const message = `too many faults to list: ${this.#left} more`
    return [...faults, { severity, line, column, message }]
  }
}

function byPlace(one: Fault, other: Fault): number {
  if (one.file !== other.file) {
    if (one.file === undefined || other.file === undefined) return one.file === undefined ? -1 : 1
    return one.file < other.file ? -1 : 1
  }
  return one.line - other.line || one.column - other.column
}

/** Reports a file that is too large. The bound is in UTF-16 units. */
export function refuseLarge(text: string, maxChars: number, faults: FaultSink): boolean {
  const large = text.length > maxChars
  if (large) faults.error(1, 1, 'the file is too large', `at most ${maxChars / 1_048_576} MiB`)
  return large
}
