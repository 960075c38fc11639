import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { INTERFACE_NAME_MAX_CHARS } from './config.ts'
import type { FlagTest } from './config.ts'
import { parseDuration } from './duration.ts'
import { quote } from '../text/fault.ts'
import { parseFlags } from './flags.ts'
import { nearest } from '../text/nearest.ts'
import { parseSequence } from './sequence.ts'
import type { SequenceResult, WordFault } from './sequence.ts'

/** Collects the faults of a value. Offsets are UTF-16 units from the beginning of the value. */
export interface ValueFaults {
  error(offset: number, message: string, hint?: string): void
  warning(offset: number, message: string, hint?: string): void
}

/** Reads a value. `undefined`: the value is invalid, and the fault has been reported. */
export type Read<T> = (value: string, faults: ValueFaults) => T | undefined

const COMMENT_HINT = 'put the comment on a line of its own'

/** Reads a path. A relative path is accepted with a warning, as a daemon runs in a folder of its own. */
export const readPath: Read<string> = (value, faults) => {
  if (/^["'“”‘’]/.test(value)) {
    faults.error(0, `${quote(value)} is not a path`, 'write it without quotes')
    return undefined
  }
  const comment = /\s#/.exec(value)
  if (comment !== null) faults.warning(comment.index + 1, '`#` is part of the path here', COMMENT_HINT)
  else if (!value.startsWith('/')) {
    faults.warning(0, `${quote(value)} is not an absolute path`, 'a daemon may run in any folder: begin with /')
  }
  return value
}

/** Reads an absolute path. */
export const readAbsolutePath: Read<string> = (value, faults) => {
  if (!value.startsWith('/')) {
    faults.error(0, `${quote(value)} is not an absolute path`, 'begin with /')
    return undefined
  }
  return readPath(value, faults)
}

/** Reads a command for `/bin/sh -c`, unchanged. */
export const readCommand: Read<string> = (value) => value

/** Reads a whole number, both bounds included. */
export function count(min: number, max: number): Read<number> {
  return (value, faults) => {
    const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN
    if (number >= min && number <= max) return number
    const what = Number.isNaN(number) ? 'is not a number' : `is ${number < min ? 'below' : 'above'} the bound`
    const hint = /^[0-9]+\s*#/.test(value) ? COMMENT_HINT : `a whole number from ${min} to ${max}`
    faults.error(0, `${quote(value)} ${what}`, hint)
    return undefined
  }
}

/** Reads a time in milliseconds, both bounds included. */
export function duration(min: number, max: number): Read<number> {
  return (value, faults) => {
    const result = parseDuration(value, min, max)
    if ('ms' in result) return result.ms
    faults.error(0, `${quote(value)} ${result.message}`, result.hint)
    return undefined
  }
}

/** Reads a sequence of knocks. */
export const readSequence: Read<SequenceResult> = (value, faults) => {
  const result = parseSequence(value)
  return tell(result.faults, faults) ? undefined : result
}

/** Reads TCP flags. */
export const readFlags: Read<FlagTest> = (value, faults) => {
  const result = parseFlags(value)
  return tell(result.faults, faults) ? undefined : result.test
}

function tell(found: readonly WordFault[], faults: ValueFaults): boolean {
  for (const { offset, message, hint } of found) faults.error(offset, message, hint)
  return found.length > 0
}

/** Reads an IPv4 or IPv6 address. Names are refused, as DNS answers would decide which packets open the door. */
export const readTarget: Read<Address> = (value, faults) => {
  const address = parseAddress(value)
  if (address !== undefined) return address
  let hint = 'an IPv4 or IPv6 address, as in 192.0.2.7 or 2001:db8::7'
  if (value.includes('#')) hint = COMMENT_HINT
  else if (value.includes('/')) hint = 'one address, not a network'
  else if (value.includes('%')) hint = 'write it without the zone'
  else if (/[g-z]/i.test(value)) hint = 'write the address of the host, not its name'
  faults.error(0, `${quote(value)} is not an address`, hint)
  return undefined
}

/** Reads names of interfaces, separated by commas. */
export const readInterfaces: Read<readonly string[]> = (value, faults) => {
  const names: string[] = []
  let start = 0
  for (const part of value.split(',')) {
    const name = part.trim()
    const offset = start + part.length - part.trimStart().length
    const fault = interfaceFault(name)
    if (fault === undefined) names.push(name)
    else faults.error(offset, `${name === '' ? 'an empty name' : quote(name)} is not an interface`, fault)
    start += part.length + 1
  }
  return names.length === 0 ? undefined : [...new Set(names)]
}

function interfaceFault(name: string): string | undefined {
  if (/\s#/.test(name)) return COMMENT_HINT
  if (name.startsWith('/dev/')) return `write \`${name.slice('/dev/'.length)}\``
  if (/\s/.test(name)) return 'several names are separated by commas'
  if (/^["']/.test(name)) return 'write it without quotes'
  if (name === '') return 'a comma too many?'
  if (name.length > INTERFACE_NAME_MAX_CHARS) return `a name has at most ${INTERFACE_NAME_MAX_CHARS} characters`
  return /^[^/\s]+$/.test(name) ? undefined : 'a name has no slash in it'
}

/** Combines the interface names of several lines, each once. */
export function joinNames(before: readonly string[], more: readonly string[]): readonly string[] {
  return [...new Set([...before, ...more])]
}

/** Reads one of a few words, in any case. */
export function oneOf<const Word extends string>(words: readonly Word[]): Read<Word> {
  return (value, faults) => {
    const word = words.find((each) => each === value.toLowerCase())
    if (word !== undefined) return word
    const meant = nearest(value.toLowerCase(), words)
    const hint = meant === undefined ? `write one of these: ${words.join(', ')}` : `did you mean \`${meant}\`?`
    faults.error(0, `${quote(value)} is not ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`, hint)
    return undefined
  }
}

/** Reads a name, as of a group: portable characters (POSIX.1-2017, 3.437). */
export const readName: Read<string> = (value, faults) => {
  if (/^[A-Za-z0-9._][A-Za-z0-9._-]{0,31}$/.test(value)) return value
  faults.error(0, `${quote(value)} is not a name`, 'letters, digits, dots, dashes and underscores, 32 at most')
  return undefined
}
