'use strict'
Object.defineProperty(exports, '__esModule', { value: true })
exports.Stanza = void 0
exports.parseHeader = parseHeader
exports.encodeHeaderNoMAC = encodeHeaderNoMAC
exports.encodeHeader = encodeHeader
const base_1 = require('@scure/base')
const io_js_1 = require('./io.js')
class Stanza {
  args
  body
  constructor(args, body) {
    this.args = args
    this.body = body
  }
}
exports.Stanza = Stanza
async function parseNextStanza(hdr) {
  const argsLine = await hdr.readLine()
  if (argsLine === null) {
    throw Error('invalid stanza')
  }
  const args = argsLine.split(' ')
  if (args.length < 2 || args.shift() !== '->') {
    return { next: argsLine }
  }
  for (const arg of args) {
    if (arg.length === 0) {
      throw Error('invalid stanza')
    }
  }
  const bodyLines = []
  for (;;) {
    const nextLine = await hdr.readLine()
    if (nextLine === null) {
      throw Error('invalid stanza')
    }
    const line = base_1.base64nopad.decode(nextLine)
    if (line.length > 48) {
      throw Error('invalid stanza')
    }
    bodyLines.push(line)
    if (line.length < 48) {
      break
    }
  }
  const body = (0, io_js_1.flatten)(bodyLines)
  return { s: new Stanza(args, body) }
}
async function parseHeader(header) {
  const hdr = new io_js_1.LineReader(header)
  const versionLine = await hdr.readLine()
  if (versionLine !== 'age-encryption.org/v1') {
    throw Error('invalid version ' + (versionLine ?? 'line'))
  }
  const stanzas = []
  for (;;) {
    const { s, next: macLine } = await parseNextStanza(hdr)
    if (s !== undefined) {
      stanzas.push(s)
      continue
    }
    if (!macLine.startsWith('--- ')) {
      throw Error('invalid header')
    }
    const MAC = base_1.base64nopad.decode(macLine.slice(4))
    const { rest, transcript } = hdr.close()
    const headerNoMAC = transcript.slice(0, transcript.length - 1 - macLine.length + 3)
    return { stanzas, headerNoMAC, MAC, headerSize: transcript.length, rest: (0, io_js_1.prepend)(header, rest) }
  }
}
function encodeHeaderNoMAC(recipients) {
  const lines = []
  lines.push('age-encryption.org/v1\n')
  for (const s of recipients) {
    lines.push('-> ' + s.args.join(' ') + '\n')
    for (let i = 0; i < s.body.length; i += 48) {
      let end = i + 48
      if (end > s.body.length) end = s.body.length
      lines.push(base_1.base64nopad.encode(s.body.subarray(i, end)) + '\n')
    }
    if (s.body.length % 48 === 0) lines.push('\n')
  }
  lines.push('---')
  return new TextEncoder().encode(lines.join(''))
}
function encodeHeader(recipients, MAC) {
  return (0, io_js_1.flatten)([
    encodeHeaderNoMAC(recipients),
    new TextEncoder().encode(' ' + base_1.base64nopad.encode(MAC) + '\n'),
  ])
}
