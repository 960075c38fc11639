import { quote } from './fault.ts'
import type { FaultList, FaultSink } from './fault.ts'
import { nearest } from './nearest.ts'
import type { Read, Reader, TextFault } from './read.ts'

/** A line with a directive. */
export interface Entry {
  /** The name as written, without the blanks around it. */
  readonly key: string
  /** The value without the blanks around it; `undefined`: the line has none. */
  readonly value: string | undefined
  /** The included file with the line; absent: the file that was read. */
  readonly file?: string
  readonly line: number
  readonly keyColumn: number
  /** Column where the value begins, or would begin. */
  readonly valueColumn: number
  /** The line that set the same directive before. */
  readonly earlier?: Entry
}

/** One directive: a row of a table. */
export interface Directive<T> {
  /** The name as the manual spells it. */
  readonly name: string
  /** The form of the value, for hints; `undefined`: the directive takes no value. */
  readonly form: string | undefined
  /** Reads the value. A value of `undefined` sets nothing. */
  readonly read: Reader<T>
  readonly aliases: readonly string[]
  /** Other names with readers of their own. */
  readonly variants: Readonly<Record<string, Reader<T>>>
  /** Combines the values of several lines. Absent: the last line counts. */
  readonly join?: (before: T, more: T) => T
  /** True if an empty value is allowed. */
  readonly mayBeEmpty: boolean
  /** The hint of a directive that is not supported. It is accepted with a value that its reader accepts. */
  readonly refused?: string
}

/** The directives of one kind of section, by their names in the code. */
// oxlint-disable-next-line typescript/no-explicit-any -- a table holds rows of every type
export type Table = Readonly<Record<string, Directive<any>>>

/** The values of a section's directives. A directive that is missing or invalid is absent. */
export type Values<T extends Table> = { readonly [K in keyof T]?: T[K] extends Directive<infer V> ? V : never }

/** The last line of each directive, including those with an invalid value. */
export type Entries<T extends Table> = { readonly [K in keyof T]?: Entry }

/** The values of a section's lines, and the line of each value. */
export interface Settled<T extends Table> {
  readonly values: Values<T>
  readonly entries: Entries<T>
  /** True if every line was understood. Otherwise a directive that seems to be missing may be in a faulty line. */
  readonly complete: boolean
  /** True if every value is valid. */
  readonly valid: boolean
}

/** Makes a row of a table. */
export function row<T>(
  name: string,
  form: string | undefined,
  read: Reader<T>,
  more: Partial<Omit<Directive<T>, 'name' | 'form' | 'read'>> = {},
): Directive<T> {
  return { name, form, read, aliases: [], variants: {}, mayBeEmpty: false, ...more }
}

/** The rules of a file for its directives. */
export interface Style {
  readonly noun: 'directive' | 'option'
  /** The normal form of a name; absent: case counts. */
  readonly normal?: (name: string) => string
  /** The text between name and value. */
  readonly between: string
  /** True if the name precedes the faults of its value. */
  readonly named?: true
  /** The hint for an unknown name; absent: the names of the table. */
  readonly known?: string
  /** Returns the hint for a name that belongs to another section; `undefined`: it belongs to none. */
  readonly elsewhere?: (name: string) => string | undefined
  /** A directive that is set twice; absent: the last line counts, without a word. */
  readonly twice?: { readonly severity: 'error' | 'warning'; readonly hint: string }
  /** The name of the file, for messages about lines in another one. */
  readonly file?: string
  /** Returns a warning on a valid value. */
  readonly remark?: (value: string) => TextFault | undefined
}

/** Directives of a file, as its table names them. */
export class Directives<T extends Table> {
  readonly table: T
  /** Every spelling, the canonical ones first. */
  readonly spellings: readonly string[]
  readonly #style: Style
  readonly #keys = new Map<string, keyof T & string>()

  constructor(table: T, style: Style) {
    this.table = table
    this.#style = style
    const names = Object.entries(table).map(
      ([key, { name, aliases, variants }]) => [key, [name, ...aliases, ...Object.keys(variants)]] as const,
    )
    for (const [key, all] of names) for (const name of all) this.#keys.set(this.#normal(name), key)
    this.spellings = names.flatMap(([, all]) => all)
  }

  #normal(name: string): string {
    return this.#style.normal?.(name) ?? name
  }

  /** Returns the name in the code of a directive; `undefined`: unknown. */
  find(name: string): (keyof T & string) | undefined {
    return this.#keys.get(name) ?? this.#keys.get(this.#normal(name))
  }

  /** Reads the lines of a section. Every fault goes to `faults`. */
  settle(
    { entries: lines, complete }: { readonly entries: readonly Entry[]; readonly complete: boolean },
    faults: FaultList,
  ): Settled<T> {
    const values: Record<string, unknown> = {}
    const entries: Record<string, Entry> = {}
    let understood = complete
    let valid = true
    for (const entry of lines) {
      const sink = faults.of(entry.file)
      const key = this.find(entry.key)
      if (key === undefined) {
        this.#reportUnknown(entry, sink)
        understood = false
        continue
      }
      const directive = this.table[key]!
      const before = entries[key]
      if (before !== undefined && directive.join === undefined && directive.refused === undefined) {
        valid = this.#isRepeatable(entry, before, sink) && valid
      }
      entries[key] = before === undefined ? entry : { ...entry, earlier: before }
      const read = this.#read(directive, entry)
      report(read, entry, sink)
      if ('message' in read) {
        valid = false
        continue
      }
      if (read.value === undefined) continue
      // An earlier line may have been invalid, which leaves no value to join.
      const earlier: unknown = values[key]
      values[key] =
        directive.join === undefined || earlier === undefined ? read.value : directive.join(earlier, read.value)
    }
    return { values: values as Values<T>, entries, complete: understood, valid }
  }

  #read({ name, form, read, variants, mayBeEmpty, refused }: Directive<unknown>, entry: Entry): Read<unknown> {
    const { key, value } = entry
    const { between, named, remark } = this.#style
    if (form === undefined) {
      if (value === undefined) return read('')
      return { message: `${quote(name)} takes no value`, hint: `write \`${name}\` alone, or leave it out` }
    }
    if (value === undefined || (value === '' && !mayBeEmpty)) {
      return { message: `${quote(name)} needs a value`, hint: `${name}${between}${form}` }
    }
    const result = (Object.hasOwn(variants, key) ? variants[key]! : read)(value)
    if ('message' in result) {
      if (refused !== undefined) {
        return { offset: entry.keyColumn - entry.valueColumn, message: `${key} is not supported`, hint: refused }
      }
      return named === true ? { ...result, message: `${key}: ${result.message}` } : result
    }
    const warning = refused === undefined ? remark?.(value) : undefined
    return warning === undefined ? result : { ...result, warnings: [...(result.warnings ?? []), warning] }
  }

  #isRepeatable(entry: Entry, before: Entry, faults: FaultSink): boolean {
    const { twice } = this.#style
    if (twice === undefined) return true
    const where =
      before.file === entry.file ? `on line ${before.line}` : `in ${before.file ?? this.#style.file}:${before.line}`
    faults[twice.severity](entry.line, entry.keyColumn, `${quote(entry.key)} is already set ${where}`, twice.hint)
    return twice.severity === 'warning'
  }

  #reportUnknown({ key, value, line, keyColumn }: Entry, faults: FaultSink): void {
    const { noun, between, known, elsewhere } = this.#style
    const misplaced = elsewhere?.(key)
    if (misplaced !== undefined) {
      faults.error(line, keyColumn, `${quote(key)} does not belong here`, misplaced)
      return
    }
    const word = /^%?[a-z_][a-z_0-9-]*/i.exec(key)?.[0]
    if (word !== undefined && word !== key && between !== ' ' && this.find(word) !== undefined) {
      const message = `there is no \`${between.trim()}\` after ${quote(word)}`
      faults.error(line, keyColumn + word.length, message, `write \`${word}${between}VALUE\``)
      return
    }
    // A whole line, or a key that is not a word, may be a misplaced sequence. The message does not quote it.
    const message =
      word === key ? `unknown ${noun} ${quote(key)}` : `this is not ${noun === 'option' ? 'an' : 'a'} ${noun}`
    const meant = word === undefined ? undefined : nearest(key, this.spellings)
    const names = Object.values(this.table).map(({ name }) => name)
    let hint = word === key ? (known ?? `known here: ${names.join(', ')}`) : known
    if (word !== key && value === undefined)
      hint ??= `a line is \`NAME${between}VALUE\`, or a comment that starts with #`
    faults.error(line, keyColumn, message, meant === undefined ? hint : `did you mean \`${meant}\`?`)
  }
}

/** Reports the faults and warnings of a value at its place. */
function report(read: Read<unknown>, { line, valueColumn }: Entry, faults: FaultSink): void {
  const found = 'message' in read ? [read, ...(read.more ?? [])] : (read.warnings ?? [])
  for (const { offset = 0, message, hint } of found) {
    faults['message' in read ? 'error' : 'warning'](line, valueColumn + offset, message, hint)
  }
}
