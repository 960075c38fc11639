import { ICMP, TCP, UDP } from '../packet/packet.ts'
import { KNOCK_MAX_BYTES, SEQUENCE_MAX_KNOCKS } from './config.ts'
import type { Knock } from './config.ts'
import { COMMENT_HINT, listParts, meantOr, valueUnless } from '../text/read.ts'
import type { Reader, TextFault } from '../text/read.ts'

/** Highest port (RFC 9293, 3.1: 16 bits). */
export const PORT_MAX = 65_535

/** The form of a sequence, for usage texts. */
export const SEQUENCE_FORM = 'KNOCK[,KNOCK]...'

const KNOCK =
  /^[ \t]*(?:icmp\/(0|[1-9][0-9]{0,4})|([1-9][0-9]{0,4})[ \t]*(?::[ \t]*(?:(tcp)|(udp)(?:\/(0|[1-9][0-9]{0,4}))?))?)[ \t]*$/i

/**
 * Reads a knock in any case, with blanks around it and its colon. `PORT[:PROTO]` has a decimal port from 1 to 65535, and
 * `tcp` (default) or `udp`. `PORT:udp/SIZE` is a datagram with so many bytes of payload, `icmp/SIZE` an echo request.
 * The config, one-time files and the client's arguments use it.
 */
export const parseKnock: Reader<Knock> = (text) => {
  const [whole, echo, digits, , udp, length] = KNOCK.exec(text) ?? []
  const port = Number(digits)
  const size = Number(echo ?? length ?? 0)
  if (whole === undefined || port > PORT_MAX || size > KNOCK_MAX_BYTES) return explain(text)
  if (echo !== undefined) return { value: { protocol: ICMP, port: 0, size } }
  const protocol = udp === undefined ? TCP : UDP
  return { value: length === undefined ? { protocol, port } : { protocol, port, size } }
}

/**
 * Reads knocks separated by commas: at least one, at most {@link SEQUENCE_MAX_KNOCKS}. No fault quotes a port, as a
 * mistyped sequence is still most of a secret.
 */
export const parseSequence: Reader<readonly Knock[]> = (text) => {
  const knocks: Knock[] = []
  const faults: TextFault[] = []
  let count = 0
  for (const { part, start, offset } of listParts(text)) {
    if (++count > SEQUENCE_MAX_KNOCKS) {
      const hint = `a sequence has at most ${SEQUENCE_MAX_KNOCKS}`
      faults.push({ offset, message: `more than ${SEQUENCE_MAX_KNOCKS} knocks`, hint })
      break
    }
    const read = parseKnock(part)
    if ('value' in read) knocks.push(read.value)
    else faults.push({ ...read, offset: start + (read.offset ?? 0), message: `knock ${count}: ${read.message}` })
  }
  return valueUnless(faults, knocks)
}

/** Formats a knock as {@link parseKnock} reads it: `7000`, `7000:udp`, `7000:udp/32`, `icmp/100`. */
export function formatKnock({ port, protocol, size }: Knock): string {
  if (protocol === ICMP) return `icmp/${size}`
  if (protocol === TCP) return String(port)
  return size === undefined ? `${port}:udp` : `${port}:udp/${size}`
}

/** Formats a sequence as {@link parseSequence} reads it. The text is a secret and must not be in messages or logs. */
export function formatSequence(knocks: readonly Knock[]): string {
  return knocks.map((knock) => formatKnock(knock)).join(',')
}

function indent(word: string): number {
  return word.length - word.trimStart().length
}

const PORT_HINT = `a port is a number from 1 to ${PORT_MAX}`
const SIZE_HINT = `a size is a number of bytes from 0 to ${KNOCK_MAX_BYTES}`
const NO_COMMA = 'two knocks without a comma between them'

function explain(text: string): TextFault {
  const offset = indent(text)
  const word = text.trim()
  const fault = (message: string, hint: string, at = 0): TextFault => ({ offset: offset + at, message, hint })
  if (word === '') return fault('no port', 'write PORT or PORT:PROTOCOL, with one comma between two knocks')
  const hash = word.indexOf('#')
  if (hash >= 0) return fault('a comment after the value', COMMENT_HINT, hash)
  const gap = /[0-9p]([ \t;|]+)(?:[0-9]|icmp)/i.exec(word)
  if (gap !== null) return fault(NO_COMMA, 'knocks are separated by commas', gap.index + 1)
  const echo = /^(?:icmp(?:v?6)?|ping)(?![a-z])/i.exec(word)
  if (echo !== null) return explainEcho(word.slice(echo[0].length), echo[0], fault)
  const slash = /^[0-9]+([/.])(tcp|udp)$/i.exec(word)
  if (slash !== null)
    return fault('the protocol is not after a colon', `write PORT:${slash[2]!.toLowerCase()}`, word.indexOf(slash[1]!))
  if (/^(tcp|udp)\s*:/i.test(word)) return fault('the protocol is before the port', 'write PORT:PROTOCOL')
  const colon = word.indexOf(':')
  const port = colon < 0 ? word : word.slice(0, colon).trimEnd()
  if (/^-[0-9]+$/.test(port) || /^0+$/.test(port)) return fault('port below 1', PORT_HINT)
  if (/^0[0-9]+$/.test(port))
    return fault('port with a leading zero', 'a port is a decimal number without leading zeros')
  if (!/^[0-9]+$/.test(port)) return fault('is not a port number', PORT_HINT)
  if (port.length > 5 || Number(port) > PORT_MAX) return fault(`port above ${PORT_MAX}`, PORT_HINT)
  return explainProtocol(word, colon, fault)
}

function explainProtocol(
  word: string,
  colon: number,
  fault: (message: string, hint: string, at: number) => TextFault,
): TextFault {
  const protocol = word.slice(colon + 1)
  const at = colon + 1 + indent(protocol)
  const [name = '', size] = protocol.trim().split(/\/(.*)/s)
  if (size !== undefined && /^(tcp|udp)$/i.test(name)) {
    const place = at + name.length + 1
    if (/^udp$/i.test(name)) return fault(wrongSize(size), SIZE_HINT, place)
    return fault('a size after tcp', 'only datagrams have one: write PORT:udp/SIZE', place)
  }
  if (/^(icmp(v?6)?|ping)$/i.test(name)) {
    return fault(`a port before \`${name}\``, 'an echo request has no port: write icmp/SIZE', at)
  }
  if (name === '') return fault('no protocol after the colon', 'write PORT:tcp or PORT:udp', colon)
  // Only letters are quoted: anything else may be a port of the sequence.
  if (!/^[a-z]{1,12}$/i.test(name)) return fault('unknown protocol', 'the protocol is tcp or udp', at)
  return fault(`unknown protocol \`${name}\``, meantOr(name, ['tcp', 'udp'], 'the protocol is tcp or udp'), at)
}

function explainEcho(
  rest: string,
  name: string,
  fault: (message: string, hint: string, at?: number) => TextFault,
): TextFault {
  if (!/^icmp$/i.test(name)) return fault(`unknown protocol \`${name}\``, 'write icmp/SIZE, for both families')
  const size = /^[ \t]*\/[ \t]*/.exec(rest)
  if (size === null) return fault('no size after icmp', 'write icmp/SIZE, the bytes that `ping -s SIZE` sends')
  return fault(wrongSize(rest.slice(size[0].length)), SIZE_HINT, name.length + size[0].length)
}

/** Returns the fault of a size, which is not quoted, as it is part of a secret. */
function wrongSize(size: string): string {
  if (size === '') return 'no size after the slash'
  if (/^0[0-9]+$/.test(size)) return 'size with a leading zero'
  if (/^[0-9]+$/.test(size)) return `size above ${KNOCK_MAX_BYTES}`
  return 'is not a size'
}
