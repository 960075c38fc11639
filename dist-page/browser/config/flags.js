import { ACK, FIN, PSH, RST, SYN, URG } from '../packet/packet.js'
import { quote } from './fault.js'
import { nearest } from './nearest.js'
/** The flags a door can ask for, by name. */
const FLAGS = new Map([
  ['fin', FIN],
  ['syn', SYN],
  ['rst', RST],
  ['psh', PSH],
  ['ack', ACK],
  ['urg', URG],
])
/** Reads flags separated by commas, `!` before one that must not be set; names in any case. */
export function parseFlags(text) {
  const faults = []
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
      faults.push({ offset, message: `${quote(word)} contradicts what stands before it`, hint })
    } else {
      mask |= bit
      if (!not) want |= bit
    }
    start += part.length + 1
  }
  return { test: { mask, want }, faults }
}
/** Flags as {@link parseFlags} reads them: `syn,!ack`. */
export function formatFlags({ mask, want }) {
  const words = [...FLAGS].filter(([, bit]) => (mask & bit) !== 0)
  return words.map(([name, bit]) => ((want & bit) === 0 ? `!${name}` : name)).join(',')
}
function explain(word, name) {
  const all = `the flags are ${[...FLAGS.keys()].join(', ')}`
  if (name === '') return { message: 'a flag is missing here', hint: all }
  if (word.includes('#'))
    return { message: `unknown flag ${quote(word)}`, hint: 'a comment stands on a line of its own' }
  if (/^!?[a-z]+([ |+]+!?[a-z]+)+$/i.test(word)) {
    return { message: `unknown flag ${quote(word)}`, hint: 'flags are separated by commas' }
  }
  const meant = nearest(name, FLAGS.keys())
  return { message: `unknown flag ${quote(word)}`, hint: meant === undefined ? all : `did you mean \`${meant}\`?` }
}
