import { nearest } from './nearest.ts'
import { quote } from './fault.ts'

/** A fault in a text, and its correction. */
export interface TextFault {
  /** Lower case, no full stop, no secret. */
  readonly message: string
  readonly hint?: string | undefined
  /** UTF-16 units from the beginning of the text to the word at fault; absent: 0. */
  readonly offset?: number
  /** Further faults of the same text. */
  readonly more?: readonly TextFault[]
}

/** The result of reading a text: its value, which may have warnings, or its faults. */
export type Read<T> = { readonly value: T; readonly warnings?: readonly TextFault[] } | TextFault

/** Reads a text. A reader never throws. */
export type Reader<T> = (text: string) => Read<T>

/** The hint for a value with a comment behind it. */
export const COMMENT_HINT = 'put the comment on a line of its own'

/** Reads any text. */
export const anyText: Reader<string> = (value) => ({ value })

/** Returns a reader whose value is made of another reader's value. */
export function mapped<T, U>(read: Reader<T>, make: (value: T) => U): Reader<U> {
  return (text) => {
    const result = read(text)
    return 'message' in result ? result : { ...result, value: make(result.value) }
  }
}

/** Returns the value of a result; `undefined`: the text has faults. */
export function valueOf<T>(read: Read<T>): T | undefined {
  return 'value' in read ? read.value : undefined
}

/** Returns the value if there are no faults, or else the faults as one. */
export function valueUnless<T>([first, ...more]: readonly TextFault[], value: T): Read<T> {
  if (first === undefined) return { value }
  return more.length === 0 ? first : { ...first, more }
}

/** Returns all faults of a result, each without further ones. */
export function faultsOf(read: Read<unknown>): readonly TextFault[] {
  if ('value' in read) return []
  const { more = [], ...first } = read
  return [first, ...more]
}

/** A part of a text between commas. Offsets are UTF-16 units from the beginning of the text. */
export interface ListPart {
  readonly part: string
  readonly start: number
  /** The part without the blanks around it. */
  readonly word: string
  readonly offset: number
}

/** Yields the parts of a text between commas. */
export function* listParts(text: string): Generator<ListPart, void> {
  for (let start = 0; start >= 0;) {
    const comma = text.indexOf(',', start)
    const part = text.slice(start, comma < 0 ? text.length : comma)
    yield { part, start, word: part.trim(), offset: start + part.length - part.trimStart().length }
    start = comma < 0 ? comma : comma + 1
  }
}

/**
 * Returns a reader of words between commas, which reports the faults of every word.
 *
 * @param max the most words, and the fault of a text with more
 */
export function listOf<T>(read: Reader<T>, max = Infinity, excess?: TextFault): Reader<readonly T[]> {
  return (text) => {
    const values: T[] = []
    const faults: TextFault[] = []
    for (const { word, offset } of listParts(text)) {
      const result = read(word)
      if ('value' in result) values.push(result.value)
      for (const { offset: at = 0, ...fault } of faultsOf(result)) faults.push({ ...fault, offset: offset + at })
    }
    if (excess !== undefined && values.length + faults.length > max) faults.push(excess)
    return valueUnless(faults, values)
  }
}

/** Combines two lists, each entry once. */
export function joined<T>(format: (entry: T) => string): (before: readonly T[], more: readonly T[]) => readonly T[] {
  return (before, more) => [...new Map([...before, ...more].map((entry) => [format(entry), entry])).values()]
}

/** Returns a reader of a whole number, both bounds included. */
export function wholeNumber(min: number, max: number): Reader<number> {
  return (text) => {
    const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN
    if (value >= min && value <= max) return { value }
    const what = Number.isNaN(value) ? 'is not a number' : `is ${value < min ? 'below' : 'above'} the bound`
    const hint = /^[0-9]+\s*#/.test(text) ? COMMENT_HINT : `a whole number from ${min} to ${max}`
    return { message: `${quote(text)} ${what}`, hint }
  }
}

/**
 * Returns a reader of one of a few words, in any case.
 *
 * @param what the noun of the message; absent: the words themselves
 */
export function oneOf<const Word extends string>(words: readonly Word[], what?: string): Reader<Word> {
  const named = what ?? `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
  return (text) => {
    const value = words.find((word) => word === text.toLowerCase())
    if (value !== undefined) return { value }
    const hint = meantOr(text.toLowerCase(), words, `write one of these: ${words.join(', ')}`)
    return { message: `${quote(text)} is not ${named}`, hint }
  }
}

/** Returns a hint with the word that was probably meant, or else another hint. */
export function meantOr(word: string, words: Iterable<string>, otherwise: string): string {
  const meant = nearest(word, words)
  return meant === undefined ? otherwise : `did you mean \`${meant}\`?`
}
