'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.LIST_MAX_CHARS = void 0
exports.parseList = parseList
exports.isSame = isSame
const sequence_js_1 = require('../../../config/sequence.js')
const fault_js_1 = require('./fault.js')
exports.LIST_MAX_CHARS = 262_144
const FIRST_LINE = /^# Postern sequences, format ([1-9][0-9]*)$/
const FORMAT = 1
const REMARK = /^# (door|made|left): (.+)$/
const WHOLE_NUMBER = /^(?:0|[1-9][0-9]{0,8})$/
function parseList(text) {
  if (text.length > exports.LIST_MAX_CHARS)
    throw new fault_js_1.Fault('This list is too long.', 'It was not made by Postern.')
  const lines = text.split(/\r?\n/)
  const format = FIRST_LINE.exec(lines[0])?.[1]
  if (format === undefined) {
    throw new fault_js_1.Fault(
      'This is not a list of sequences.',
      'It was decrypted, but another program wrote what is in it.',
    )
  }
  if (Number(format) !== FORMAT) {
    throw new fault_js_1.Fault(
      `This list has format ${format}, which this page does not know.`,
      'Publish the page anew as well.',
    )
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
function isSame(one, other) {
  if (one === undefined || other === undefined) return one === other
  return (
    one.length === other.length &&
    one.every(({ port, protocol }, index) => port === other[index].port && protocol === other[index].protocol)
  )
}
function sequenceOf(line, number) {
  const { knocks, faults } = (0, sequence_js_1.parseSequence)(line)
  if (faults.length > 0)
    throw new fault_js_1.Fault(`Line ${number} of this list is no sequence.`, 'Have the list published anew.')
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
