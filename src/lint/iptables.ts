import { changed, plainPort, plainSource } from './change.ts'
import type { Change, Field } from './change.ts'
import { nearest } from '../text/nearest.ts'
import { programName } from './shell.ts'
import type { Simple, Word } from './shell.ts'

/** The spellings of options in iptables(8) and iptables-extensions(8), with the one used in messages. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([
  ['--append', '-A'],
  ['--insert', '-I'],
  ['--delete', '-D'],
  ['--table', '-t'],
  ['--source', '-s'],
  ['--src', '-s'],
  ['--destination', '-d'],
  ['--dst', '-d'],
  ['--protocol', '-p'],
  ['--proto', '-p'],
  ['--jump', '-j'],
  ['--goto', '-g'],
  ['--match', '-m'],
  ['--in-interface', '-i'],
  ['--out-interface', '-o'],
  ['--destination-port', '--dport'],
  ['--source-port', '--sport'],
  ['--destination-ports', '--dports'],
  ['--source-ports', '--sports'],
])
/** Options that control the program and are no part of the rule. */
const NO_RULE = /^(-[wWvn46]|--(wait|wait-interval|verbose|numeric))$/
/** Targets that let a packet in, or send it to another host or port. */
const OPENING_TARGETS: ReadonlySet<string> = new Set(['ACCEPT', 'DNAT', 'REDIRECT'])

/** Returns true for a program of the iptables family. */
export function isIptables(name: string): boolean {
  return /^ip6?tables(-nft|-legacy)?$/.test(name)
}

const CHAIN_OPTION = /^(-[AIDCR]|--(append|insert|delete|check|replace))$/
/** The built-in chains of each table (iptables(8), "TABLES"). */
const BUILT_IN: ReadonlyMap<string, readonly string[]> = new Map([
  ['filter', ['INPUT', 'FORWARD', 'OUTPUT']],
  ['nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']],
  ['raw', ['PREROUTING', 'OUTPUT']],
  ['mangle', ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']],
  ['security', ['INPUT', 'FORWARD', 'OUTPUT']],
])

/** Returns the chain that an iptables command changes or checks, and the chain's table. */
export function chainOf(command: Simple): { readonly table: string; readonly chain: Word } | undefined {
  const at = command.findIndex(({ text }) => CHAIN_OPTION.test(text))
  const chain = at < 0 ? undefined : command[at + 1]
  if (chain === undefined || !isIptables(programName(command))) return undefined
  const option = command.findIndex(({ text }) => text === '-t' || text === '--table')
  return { table: option < 0 ? 'filter' : (command[option + 1]?.text ?? 'filter'), chain }
}

/** Returns the built-in chains of an iptables table. */
export function builtInChains(table: string): readonly string[] {
  return BUILT_IN.get(table) ?? []
}

/** Returns a misspelt built-in chain of an iptables command, and the correct name. */
export function mistypedChain(command: Simple): { readonly word: Word; readonly meant: string } | undefined {
  const { table, chain: word } = chainOf(command) ?? {}
  if (table === undefined || word === undefined) return undefined
  const all = builtInChains(table)
  // An operator's own chain may well be called INPUT2.
  if (all.some((name) => word.text.includes(name)) || word.text.includes('$')) return undefined
  const meant = nearest(word.text, all)
  return meant === undefined ? undefined : { word, meant }
}

/** Returns the change that an iptables or ip6tables command makes; `undefined`: it adds and deletes no rule. */
export function iptablesChange(command: Simple, program: string): Change | undefined {
  const [first, ...words] = command
  const fields: Field[] = [{ label: 'program', value: program, text: first!.text, offset: first!.offset }]
  const groups = groupsOf(words)
  let act: Change['act'] | undefined
  let head: Word | undefined
  let chain = ''
  let table = 'filter'
  for (const { name, not, option, values } of groups) {
    if (name === '-A' || name === '-I' || name === '-D') {
      act = name === '-D' ? 'remove' : 'add'
      head = option
      chain = values[0]?.text ?? ''
      if (name === '-D' && values.length > 1) act = 'number'
    } else if (name === '-t') table = values[0]?.text ?? table
    if (!NO_RULE.test(name) && !isImplied(name, values)) fields.push(fieldOfGroup(name, not, option, values, chain))
  }
  if (act === undefined || head === undefined) return undefined
  if (!fields.some(({ label }) => label === 'table')) {
    fields.push({ label: 'table', value: table, text: '-t filter', offset: first!.offset })
  }
  const target = groups.find(({ name }) => name === '-j')?.values[0]?.text ?? ''
  const opens = act === 'add' && OPENING_TARGETS.has(target)
  return changed('iptables', act, command, `${head.text} ${chain}`, fields, { opens })
}

interface Group {
  readonly name: string
  readonly not: boolean
  readonly option: Word
  readonly values: readonly Word[]
}

/** Groups options with their values. `!` before or after an option negates it, and `--dport=22` is two words. */
function groupsOf(words: readonly Word[]): readonly Group[] {
  const groups: { name: string; not: boolean; option: Word; values: Word[] }[] = []
  let not = false
  for (const word of words) {
    const { text, offset, end } = word
    if (text === '!') {
      not = true
    } else if (/^-{1,2}[A-Za-z0-9]/.test(text)) {
      const equals = text.startsWith('--') ? text.indexOf('=') : -1
      const long = equals < 0 ? text : text.slice(0, equals)
      // `-s192.0.2.7` is a short option with its value in one word.
      const glued = equals < 0 && /^-[AIDtspdjgmio]./.test(text)
      const name = glued ? text.slice(0, 2) : long
      const values: Word[] = []
      if (equals >= 0) values.push({ text: text.slice(equals + 1), offset: offset + equals + 1, end })
      if (glued) values.push({ text: text.slice(2), offset: offset + 2, end })
      groups.push({ name: SPELLINGS.get(name) ?? name, not, option: word, values })
      not = false
    } else {
      const group = groups.at(-1)
      if (group === undefined) continue
      if (not) group.not = true
      not = false
      group.values.push(word)
    }
  }
  return groups
}

/** Returns true for `-m tcp` and `-m udp`, which `-p` implies. */
function isImplied(name: string, values: readonly Word[]): boolean {
  return name === '-m' && /^(tcp|udp)$/i.test(values[0]?.text ?? '')
}

function fieldOfGroup(name: string, not: boolean, option: Word, values: readonly Word[], chain: string): Field {
  const { offset } = option
  const written = [option.text, ...values.filter(({ offset: at }) => at > option.end).map(({ text }) => text)].join(' ')
  const text = not ? `! ${written}` : written
  if (name === '-A' || name === '-I' || name === '-D')
    return { label: 'chain', value: chain, text: `${option.text} ${chain}`, offset }
  if (name === '-t') return { label: 'table', value: values[0]?.text ?? '', text, offset }
  const isPort = name === '--dport' || name === '--sport'
  const plain = values.map((word) => (isPort ? plainPort(word.text) : plainSource(word.text))).join(' ')
  const value = name === '-p' ? plain.toLowerCase() : plain
  // One rule may have several matches, each with its own name.
  return { label: name === '-m' ? `-m ${value}` : name, value: not ? `! ${value}` : value, text, offset }
}
