'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.PORT_MAX = void 0
exports.parseKnock = parseKnock
exports.parseSequence = parseSequence
exports.formatKnock = formatKnock
exports.formatSequence = formatSequence
const packet_js_1 = require('../packet/packet.js')
const config_js_1 = require('./config.js')
const nearest_js_1 = require('./nearest.js')
exports.PORT_MAX = 65_535
function parseKnock(text) {
  const match = /^[ \t]*([1-9][0-9]{0,4})[ \t]*(?::[ \t]*(tcp|udp)[ \t]*)?$/i.exec(text)
  const port = match === null ? 0 : Number(match[1])
  if (match === null || port > exports.PORT_MAX) return { fault: explain(text) }
  return { knock: { protocol: match[2]?.toLowerCase() === 'udp' ? packet_js_1.UDP : packet_js_1.TCP, port } }
}
function parseSequence(text) {
  const knocks = []
  const offsets = []
  const faults = []
  let start = 0
  for (let count = 1; ; count++) {
    const comma = text.indexOf(',', start)
    const word = text.slice(start, comma < 0 ? text.length : comma)
    const offset = start + indent(word)
    if (count > config_js_1.SEQUENCE_MAX_KNOCKS) {
      faults.push({
        offset,
        message: `more than ${config_js_1.SEQUENCE_MAX_KNOCKS} knocks`,
        hint: `a sequence has at most ${config_js_1.SEQUENCE_MAX_KNOCKS}`,
      })
      break
    }
    const result = parseKnock(word)
    if ('knock' in result) {
      knocks.push(result.knock)
      offsets.push(offset)
    } else {
      const { fault } = result
      faults.push({
        ...fault,
        offset: start + fault.offset,
        message: `knock ${count}: ${fault.message}`,
      })
    }
    if (comma < 0) break
    start = comma + 1
  }
  return { knocks, offsets, faults }
}
function formatKnock({ port, protocol }) {
  return protocol === packet_js_1.UDP ? `${port}:udp` : `${port}`
}
function formatSequence(knocks) {
  return knocks.map((knock) => formatKnock(knock)).join(',')
}
function indent(word) {
  return word.length - word.trimStart().length
}
const PORT_HINT = `a port is a number from 1 to ${exports.PORT_MAX}`
function explain(text) {
  const offset = indent(text)
  const word = text.trim()
  const fault = (message, hint, at = 0) => ({ offset: offset + at, message, hint })
  if (word === '') return fault('no port', 'write PORT or PORT:PROTOCOL, with one comma between two knocks')
  const hash = word.indexOf('#')
  if (hash >= 0) return fault('a comment after the value', 'a comment stands on a line of its own', hash)
  const gap = /[0-9p]([ \t;|]+)[0-9]/i.exec(word)
  if (gap !== null)
    return fault('two knocks without a comma between them', 'knocks are separated by commas', gap.index + 1)
  const slash = /^[0-9]+([/.])(tcp|udp)$/i.exec(word)
  if (slash !== null)
    return fault('no protocol can be told', `write PORT:${slash[2].toLowerCase()}`, word.indexOf(slash[1]))
  if (/^(tcp|udp)\s*:/i.test(word)) return fault('the protocol stands before the port', 'write PORT:PROTOCOL')
  const colon = word.indexOf(':')
  const port = colon < 0 ? word : word.slice(0, colon).trimEnd()
  if (/^-[0-9]+$/.test(port) || /^0+$/.test(port)) return fault('port below 1', PORT_HINT)
  if (/^0[0-9]+$/.test(port))
    return fault('port with a leading zero', 'a port is a decimal number without leading zeros')
  if (!/^[0-9]+$/.test(port)) return fault('is not a port number', PORT_HINT)
  if (port.length > 5 || Number(port) > exports.PORT_MAX) return fault(`port above ${exports.PORT_MAX}`, PORT_HINT)
  return explainProtocol(word, colon, fault)
}
function explainProtocol(word, colon, fault) {
  const protocol = word.slice(colon + 1)
  const at = colon + 1 + indent(protocol)
  const name = protocol.trim()
  if (name === '') return fault('no protocol after the colon', 'write PORT:tcp or PORT:udp', colon)
  if (!/^[a-z]{1,12}$/i.test(name)) return fault('unknown protocol', 'the protocol is tcp or udp', at)
  const meant = (0, nearest_js_1.nearest)(name, ['tcp', 'udp'])
  const hint = meant === undefined ? 'the protocol is tcp or udp' : `did you mean \`${meant}\`?`
  return fault(`unknown protocol \`${name}\``, hint, at)
}
