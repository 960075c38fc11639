import { parseDuration } from '../config/duration.ts'
import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { UsageError } from './fault.ts'

/** Returns a reader of whole numbers. The unit is for the hint. */
export function wholeNumber(min: number, max: number, unit = ''): (text: string) => number {
  return (text) => {
    if (/^[0-9]{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
    throw new UsageError(`not a number in range: ${text || '(empty)'}`, `${min} to ${max}${unit && ` ${unit}`}`)
  }
}

/** The highest port. */
export const PORT_MAX = 65_535

/** Returns a reader of times, in milliseconds. */
export function duration(minMs: number, maxMs: number): (text: string) => number {
  return (text) => {
    const read = parseDuration(text, minMs, maxMs)
    if ('value' in read) return read.value
    throw new UsageError(`${text || '(empty)'} ${read.message}`, read.hint)
  }
}

/** Reads an address. @throws UsageError */
export function address(text: string): Address {
  const read = parseAddress(text)
  if (read === undefined) throw new UsageError(`invalid address ${text}`, 'as in 192.0.2.1 or 2001:db8::1')
  return read
}

/** Returns the first operand, if any. @throws UsageError with this message if there are more */
export function atMostOne(words: readonly string[], message: string, hint?: string): string | undefined {
  if (words.length > 1) throw new UsageError(message, hint)
  return words[0]
}

/** Returns the only operand. @throws UsageError with this message if there is another number of operands */
export function one(words: readonly string[], message: string, hint?: string): string {
  const [word, ...more] = words
  if (word === undefined || more.length > 0) throw new UsageError(message, hint)
  return word
}
