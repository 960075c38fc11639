import { parseSequence } from '../../../config/sequence.js'
import { Fault } from './fault.js'
/** The most a decrypted list may measure, in UTF-16 units: what the daemon keeps to in bytes. */
export const LIST_MAX_CHARS = 262_144
/** The first line of every list; what changes in a way older pages would misread gets another number. */
const FIRST_LINE = /^# Postern sequences, format ([1-9][0-9]*)$/
const FORMAT = 1
/** A line that says something about the list. Those whose names are not known here are comments. */
const REMARK = /^# (door|made|left): (.+)$/
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,8})$/
/** Reads a decrypted list. Throws {@link Fault} for another format and for a line that is no sequence. */
export function parseList(text) {
  if (text.length > LIST_MAX_CHARS) throw new Fault('This list is too long.', 'It was not made by Postern.')
  const lines = text.split(/\r?\n/)
  const format = FIRST_LINE.exec(lines[0])?.[1]
  if (format === undefined) {
    throw new Fault('This is not a list of sequences.', 'It was decrypted, but another program wrote what is in it.')
  }
  if (Number(format) !== FORMAT) {
    throw new Fault(`This list has format ${format}, which this page does not know.`, 'Publish the page anew as well.')
  }
  const remarks = new Map()
  const sequences = []
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
/** Whether two sequences are the same knocks in the same order. */
export function isSame(one, other) {
  if (one === undefined || other === undefined) return one === other
  return (
    one.length === other.length &&
    one.every(({ port, protocol }, index) => port === other[index].port && protocol === other[index].protocol)
  )
}
function sequenceOf(line, number) {
  const { knocks, faults } = parseSequence(line)
  if (faults.length > 0) throw new Fault(`Line ${number} of this list is no sequence.`, 'Have the list published anew.')
  return knocks
}
function dateOf(text) {
  const date = new Date(text ?? '')
  return Number.isNaN(date.getTime()) ? undefined : date
}
function leftOf(remarks, { length }) {
  const text = remarks.get('left') ?? ''
  return WHOLE_NUMBER.test(text) ? Math.max(Number(text), length) : length
}
