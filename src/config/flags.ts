import { ACK, FIN, PSH, RST, SYN, URG } from '../packet/packet.ts'
import type { FlagTest } from './config.ts'
import { quote } from '../text/fault.ts'
import { COMMENT_HINT, listParts, meantOr, valueUnless } from '../text/read.ts'
import type { Reader, TextFault } from '../text/read.ts'

/** The flags that a door can ask for, by name. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ['fin', FIN],
  ['syn', SYN],
  ['rst', RST],
  ['psh', PSH],
  ['ack', ACK],
  ['urg', URG],
])

/**
 * The flags of a TCP knock where a door names no flags: neither ACK nor RST. The first packet of a connection has
 * neither (RFC 9293, 3.5), while packets of an established one always have one of them.
 */
export const OPENING_FLAGS: FlagTest = { mask: ACK | RST, want: 0 }

/** Reads flags separated by commas, in any case. `!` precedes a flag that must not be set. */
export const parseFlags: Reader<FlagTest> = (text) => {
  const faults: TextFault[] = []
  let mask = 0
  let want = 0
  for (const { word, offset } of listParts(text)) {
    const not = word.startsWith('!')
    const name = (not ? word.slice(1) : word).trim().toLowerCase()
    const bit = FLAGS.get(name)
    if (bit === undefined) faults.push({ offset, ...explain(word, name) })
    else if ((mask & bit) !== 0 && ((want & bit) !== 0) === not) {
      const hint = `no packet has ${name} both set and not set`
      faults.push({ offset, message: `${quote(word)} contradicts an earlier flag`, hint })
    } else {
      mask |= bit
      if (!not) want |= bit
    }
  }
  return valueUnless(faults, { mask, want })
}

/** Returns true if the first packet of an ordinary client, a SYN alone (RFC 9293, 3.5), passes the test. */
export function isOrdinary({ mask, want }: FlagTest): boolean {
  return (SYN & mask) === want
}

/** Returns the names of TCP flags in lower case, in the order of their bits. */
export function flagNames(flags: number): readonly string[] {
  return [...FLAGS].filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name)
}

function explain(word: string, name: string): TextFault {
  const all = `the flags are ${[...FLAGS.keys()].join(', ')}`
  if (name === '') return { message: 'a flag is missing here', hint: all }
  const message = `unknown flag ${quote(word)}`
  if (word.includes('#')) return { message, hint: COMMENT_HINT }
  if (/^!?[a-z]+([ |+]+!?[a-z]+)+$/i.test(word)) return { message, hint: 'flags are separated by commas' }
  return { message, hint: meantOr(name, FLAGS.keys(), all) }
}
