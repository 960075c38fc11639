import { DOOR_DIRECTIVES, OPTION_DIRECTIVES, spellings } from './directive.ts'
import type { Directive, Table, Values } from './directive.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import { nearest } from '../text/nearest.ts'
import type { Entry, Section } from './section.ts'
import type { ValueFaults } from './value.ts'

/** The values of a section's lines, and the line of each value. */
export interface Settled<T extends Table> {
  readonly values: Values<T>
  /** The lines by directive, including those with an invalid value. */
  readonly entries: { readonly [K in keyof T]?: Entry }
  /** True if every line was understood. Otherwise a directive that seems to be missing may be in a faulty line. */
  readonly complete: boolean
}

type Finder = ReadonlyMap<string, string>

const finders = new WeakMap<Table, Finder>()

function finderOf(table: Table): Finder {
  let finder = finders.get(table)
  if (finder === undefined) {
    const rows = Object.entries(table)
    finder = new Map(
      rows.flatMap(([key, { name, aliases }]) => [name, ...aliases].map((word) => [word.toLowerCase(), key])),
    )
    finders.set(table, finder)
  }
  return finder
}

/** Reads the lines of a section with the directives of a table. Every fault goes to `faults`. */
export function settle<T extends Table>(table: T, section: Section, faults: FaultList): Settled<T> {
  const finder = finderOf(table)
  const values: Record<string, unknown> = {}
  const entries: Record<string, Entry> = {}
  let { complete } = section
  for (const entry of section.entries) {
    const key = finder.get(entry.key) ?? finder.get(entry.key.toLowerCase())
    if (key === undefined) {
      reportUnknown(entry, table, faults)
      complete = false
      continue
    }
    const directive = table[key]!
    const before = entries[key]
    if (before !== undefined && directive.join === undefined) {
      const message = `${quote(entry.key)} is already set on line ${before.line}`
      faults.warning(entry.line, entry.keyColumn, message, 'the last one counts: take the other one out')
    }
    entries[key] = entry
    const value = readValue(directive, entry, faults)
    if (value === undefined) continue
    // An earlier line may have been invalid, which leaves no value to join.
    const earlier: unknown = values[key]
    values[key] = directive.join === undefined || earlier === undefined ? value : directive.join(earlier, value)
  }
  return { values: values as Values<T>, entries, complete }
}

function readValue(directive: Directive<unknown>, entry: Entry, faults: FaultList): unknown {
  const { name, form } = directive
  const { value, line, valueColumn } = entry
  if (form === undefined) {
    if (value === undefined) return directive.read('', NO_FAULTS)
    faults.error(line, valueColumn, `${quote(name)} takes no value`, `write \`${name}\` alone, or leave the line out`)
    return undefined
  }
  if (value === undefined || (value === '' && !directive.mayBeEmpty)) {
    faults.error(line, valueColumn, `${quote(name)} needs a value`, `${name} = ${form}`)
    return undefined
  }
  return directive.read(value, new Placed(line, valueColumn, faults))
}

class Placed implements ValueFaults {
  readonly #line: number
  readonly #column: number
  readonly #faults: FaultList

  constructor(line: number, column: number, faults: FaultList) {
    this.#line = line
    this.#column = column
    this.#faults = faults
  }

  error(offset: number, message: string, hint?: string): void {
    this.#faults.error(this.#line, this.#column + offset, message, hint)
  }

  warning(offset: number, message: string, hint?: string): void {
    this.#faults.warning(this.#line, this.#column + offset, message, hint)
  }
}

const NO_FAULTS: ValueFaults = { error: () => {}, warning: () => {} }

function reportUnknown({ key, value, line, keyColumn }: Entry, table: Table, faults: FaultList): void {
  const other = (table as unknown) === OPTION_DIRECTIVES ? DOOR_DIRECTIVES : OPTION_DIRECTIVES
  const misplaced = finderOf(other).get(key.toLowerCase())
  if (misplaced !== undefined) {
    const message = `${quote(key)} does not belong here`
    const hint =
      other === OPTION_DIRECTIVES ? 'it belongs in the section `[options]`' : 'it belongs in the section of a door'
    faults.error(line, keyColumn, message, hint)
    return
  }
  const word = /^[a-z_][a-z_0-9-]*/i.exec(key)?.[0]
  if (word !== undefined && word !== key && finderOf(table).has(word.toLowerCase())) {
    faults.error(line, keyColumn + word.length, `there is no \`=\` after ${quote(word)}`, `write \`${word} = VALUE\``)
    return
  }
  // A whole line, or a key that is not a word, may be a misplaced sequence. The message does not quote it.
  const message = word === key ? `unknown directive ${quote(key)}` : 'this is not a directive'
  const meant = word === undefined ? undefined : nearest(key, spellings(table))
  let hint = value === undefined ? 'a line is `NAME = VALUE`, or a comment that starts with #' : undefined
  if (meant !== undefined) hint = `did you mean \`${meant}\`?`
  else if (word === key)
    hint = `known here: ${Object.values(table)
      .map(({ name }) => name)
      .join(', ')}`
  faults.error(line, keyColumn, message, hint)
}
