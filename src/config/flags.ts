import { ACK, FIN, PSH, RST, SYN, URG } from '../packet/packet.ts'
import type { FlagTest } from './config.ts'
import { quote } from '../text/fault.ts'
import { nearest } from '../text/nearest.ts'
import type { WordFault } from './sequence.ts'

/** The flags that a door can ask for, by name. */
const FLAGS: ReadonlyMap<string, number> = new Map([
  ['fin', FIN],
  ['syn', SYN],
  ['rst', RST],
  ['psh', PSH],
  ['ack', ACK],
  ['urg', URG],
])

/** The result of reading `TCPFlags`. It is usable if there are no faults. */
export interface FlagsResult {
  readonly test: FlagTest
  readonly faults: readonly WordFault[]
}

/** Reads flags separated by commas, in any case. `!` precedes a flag that must not be set. */
export function parseFlags(text: string): FlagsResult {
  const faults: WordFault[] = []
  let mask = 0
  let want = 0
  let start = 0
  for (const part of text.split(',')) {
    const word = part.trim()
    const offset = start + part.length - part.trimStart().length
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
    start += part.length + 1
  }
  return { test: { mask, want }, faults }
}

/** Returns true if the first packet of an ordinary client, a SYN alone (RFC 9293, 3.5), passes the test. */
export function isOrdinary({ mask, want }: FlagTest): boolean {
  return (SYN & mask) === want
}

/** Formats flags as {@link parseFlags} reads them: `syn,!ack`. */
export function formatFlags({ mask, want }: FlagTest): string {
  const words = [...FLAGS].filter(([, bit]) => (mask & bit) !== 0)
  return words.map(([name, bit]) => ((want & bit) === 0 ? `!${name}` : name)).join(',')
}

function explain(word: string, name: string): { message: string; hint: string } {
  const all = `the flags are ${[...FLAGS.keys()].join(', ')}`
  if (name === '') return { message: 'a flag is missing here', hint: all }
  if (word.includes('#'))
    return { message: `unknown flag ${quote(word)}`, hint: 'put the comment on a line of its own' }
  if (/^!?[a-z]+([ |+]+!?[a-z]+)+$/i.test(word)) {
    return { message: `unknown flag ${quote(word)}`, hint: 'flags are separated by commas' }
  }
  const meant = nearest(name, FLAGS.keys())
  return { message: `unknown flag ${quote(word)}`, hint: meant === undefined ? all : `did you mean \`${meant}\`?` }
}
