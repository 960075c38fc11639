import { FAULTS_MAX } from './config.js'
import { codePoint } from '../text/code-point.js'
/** Most characters of somebody's text that a message repeats. */
const QUOTE_MAX_CHARS = 64
/**
 * A fault as `file:line:column: severity: message`, the hint on a line of its own, indented by four. No line end after it.
 *
 * @param file the config's name; a fault of another file names that one instead
 */
export function formatFault(file, fault) {
  const { line, column, severity, message, hint } = fault
  const text = `${fault.file ?? file}:${line}:${column}: ${severity}: ${message}`
  return hint === undefined ? text : `${text}\n    ${hint}`
}
/**
 * Somebody's text in backticks, fit for a terminal and a log: cut at 64 characters, and whatever does not show as itself
 * (controls, blanks that are none, directions of writing) is written as `<U+200B>`.
 */
export function quote(text) {
  const cut = text.length > QUOTE_MAX_CHARS ? `${text.slice(0, QUOTE_MAX_CHARS)}…` : text
  return `\`${cut.replaceAll(/[^\P{C}]|[^\P{Z} ]/gu, codePoint)}\``
}
/** Faults while they are found, in any order. Holds {@link FAULTS_MAX} of each severity and counts the rest. */
export class FaultList {
  #errors = []
  #warnings = []
  #left = 0
  /** Whether one of them, kept or only counted, is an error. */
  get failed() {
    return this.#errors.length > 0
  }
  error(line, column, message, hint) {
    this.add({ severity: 'error', line, column, message, ...(hint === undefined ? {} : { hint }) })
  }
  warning(line, column, message, hint) {
    this.add({ severity: 'warning', line, column, message, ...(hint === undefined ? {} : { hint }) })
  }
  add(fault) {
    const list = fault.severity === 'error' ? this.#errors : this.#warnings
    if (list.length < FAULTS_MAX) list.push(fault)
    else this.#left++
  }
  /** All of them by place, those of other files last; then how many more there are. */
  sorted() {
    const faults = [...this.#errors, ...this.#warnings].sort(byPlace)
    if (this.#left === 0) return faults
    const { severity, line, column } = faults.at(-1)
    const message = `too many faults to list: ${this.#left} more`
    return [...faults, { severity, line, column, message }]
  }
}
function byPlace(one, other) {
  if (one.file !== other.file) {
    if (one.file === undefined || other.file === undefined) return one.file === undefined ? -1 : 1
    return one.file < other.file ? -1 : 1
  }
  return one.line - other.line || one.column - other.column
}
