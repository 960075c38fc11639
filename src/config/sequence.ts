import { TCP, UDP } from '../packet/packet.ts'
import { SEQUENCE_MAX_KNOCKS } from './config.ts'
import type { Knock } from './config.ts'
import { COMMENT_HINT, listParts, meantOr, valueUnless } from '../text/read.ts'
import type { Reader, TextFault } from '../text/read.ts'

/** Highest port (RFC 9293, 3.1: 16 bits). */
export const PORT_MAX = 65_535

/**
 * Reads `PORT[:PROTO]`: a decimal port from 1 to 65535, and `tcp` (default) or `udp` in any case. Blanks around either
 * are allowed. The config, one-time files and the client's arguments use it.
 */
export const parseKnock: Reader<Knock> = (text) => {
  const match = /^[ \t]*([1-9][0-9]{0,4})[ \t]*(?::[ \t]*(tcp|udp)[ \t]*)?$/i.exec(text)
  const port = match === null ? 0 : Number(match[1])
  if (match === null || port > PORT_MAX) return explain(text)
  return { value: { protocol: match[2]?.toLowerCase() === 'udp' ? UDP : TCP, port } }
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

/** Formats a knock as {@link parseKnock} reads it: `7000`, `7000:udp`. */
export function formatKnock({ port, protocol }: Knock): string {
  return protocol === UDP ? `${port}:udp` : `${port}`
}

/** Formats a sequence as {@link parseSequence} reads it. The text is a secret and must not be in messages or logs. */
export function formatSequence(knocks: readonly Knock[]): string {
  return knocks.map((knock) => formatKnock(knock)).join(',')
}

function indent(word: string): number {
  return word.length - word.trimStart().length
}

const PORT_HINT = `a port is a number from 1 to ${PORT_MAX}`

function explain(text: string): TextFault {
  const offset = indent(text)
  const word = text.trim()
  const fault = (message: string, hint: string, at = 0): TextFault => ({ offset: offset + at, message, hint })
  if (word === '') return fault('no port', 'write PORT or PORT:PROTOCOL, with one comma between two knocks')
  const hash = word.indexOf('#')
  if (hash >= 0) return fault('a comment after the value', COMMENT_HINT, hash)
  const gap = /[0-9p]([ \t;|]+)[0-9]/i.exec(word)
  if (gap !== null)
    return fault('two knocks without a comma between them', 'knocks are separated by commas', gap.index + 1)
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
  const name = protocol.trim()
  if (name === '') return fault('no protocol after the colon', 'write PORT:tcp or PORT:udp', colon)
  // Only letters are quoted: anything else may be a port of the sequence.
  if (!/^[a-z]{1,12}$/i.test(name)) return fault('unknown protocol', 'the protocol is tcp or udp', at)
  return fault(`unknown protocol \`${name}\``, meantOr(name, ['tcp', 'udp'], 'the protocol is tcp or udp'), at)
}
