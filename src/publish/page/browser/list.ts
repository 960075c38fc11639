import { formatSequence, parseSequence } from '../../../config/sequence.ts'
import type { Knock } from '../../../config/config.ts'
import { Fault } from './fault.ts'

/** The maximum length of a decrypted list, in UTF-16 units. The daemon has the same limit in bytes. */
export const LIST_MAX_CHARS = 262_144

/** The first line of every list. A change that older pages would misread gets another number. */
const FIRST_LINE = /^# Postern sequences, format ([1-9][0-9]*)$/
const FORMAT = 1
/** A line with information about the list. Lines with unknown names are comments. */
const REMARK = /^# (door|made|left): (.+)$/
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,8})$/

/** A decrypted list of one-time sequences. */
export interface SequenceList {
  readonly door: string | undefined
  /** The time at which the daemon wrote the list. */
  readonly made: Date | undefined
  /** The number of sequences that the door has left, which may be more than the list contains. */
  readonly left: number
  /** The sequences in the order of their use. */
  readonly sequences: readonly (readonly Knock[])[]
}

/**
 * Reads a decrypted list.
 *
 * @throws {@link Fault} for another format, or for a line that is not a sequence
 */
export function parseList(text: string): SequenceList {
  if (text.length > LIST_MAX_CHARS) throw new Fault('This list is too long.', 'It was not made by Postern.')
  const lines = text.split(/\r?\n/)
  const format = FIRST_LINE.exec(lines[0]!)?.[1]
  if (format === undefined) {
    throw new Fault('This is not a list of sequences.', 'It was decrypted, but another program wrote its contents.')
  }
  if (Number(format) !== FORMAT) {
    throw new Fault(`This list has format ${format}, which this page does not know.`, 'Publish the page again, too.')
  }
  const remarks = new Map<string, string>()
  const sequences: (readonly Knock[])[] = []
  for (const [index, line] of lines.entries()) {
    if (line.startsWith('#')) {
      const [, name, value] = REMARK.exec(line) ?? []
      if (name !== undefined && value !== undefined && !remarks.has(name)) remarks.set(name, value)
    } else if (line.trim() !== '') {
      sequences.push(sequenceOf(line, index + 1))
    }
  }
  return { door: remarks.get('door'), made: dateOf(remarks.get('made')), left: leftOf(remarks, sequences), sequences }
}

/** Returns true if two sequences have the same knocks in the same order. */
export function isSame(one: readonly Knock[] = [], other: readonly Knock[] = []): boolean {
  return formatSequence(one) === formatSequence(other)
}

function sequenceOf(line: string, number: number): readonly Knock[] {
  const read = parseSequence(line)
  if ('value' in read) return read.value
  throw new Fault(`Line ${number} of this list is not a sequence.`, 'Ask for the list to be published again.')
}

function dateOf(text: string | undefined): Date | undefined {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}

function leftOf(remarks: ReadonlyMap<string, string>, { length }: readonly unknown[]): number {
  const text = remarks.get('left') ?? ''
  return WHOLE_NUMBER.test(text) ? Math.max(Number(text), length) : length
}
