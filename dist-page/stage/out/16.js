'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.commandsFor = commandsFor
const sequence_js_1 = require('../../../config/sequence.js')
const packet_js_1 = require('../../../packet/packet.js')
const WAIT_S = 1
function commandsFor(host, sequence) {
  const commands = [
    { program: 'knock', text: `knock ${host} ${sequence.map(sequence_js_1.formatKnock).join(' ')}` },
    { program: 'nc', text: sequence.map((knock) => netcat(host, knock)).join('; ') },
  ]
  if (sequence.every(({ protocol }) => protocol === packet_js_1.TCP)) {
    const text = sequence.map(({ port }) => `timeout ${WAIT_S} telnet ${host} ${port}`).join('; ')
    commands.push({ program: 'telnet', text })
  }
  return commands
}
function netcat(host, { port, protocol }) {
  return protocol === packet_js_1.UDP
    ? `echo | nc -u -w ${WAIT_S} ${host} ${port}`
    : `nc -z -w ${WAIT_S} ${host} ${port}`
}
