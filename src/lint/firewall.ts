import { changed, fieldOf, plainPort, plainSource } from './change.ts'
import type { Change, Field } from './change.ts'
import { iptablesChange, isIptables } from './iptables.ts'
import { nearest } from '../text/nearest.ts'
import { programName } from './shell.ts'
import type { Simple, Word } from './shell.ts'

/** Programs that change no firewall, whatever their arguments. */
const HARMLESS = /^(echo|printf|logger|true|false|:|sleep|date|test|\[)$/

const FIREWALL_PROGRAMS = [
  'iptables',
  'ip6tables',
  'iptables-nft',
  'iptables-legacy',
  'nft',
  'ipset',
  'ufw',
  'firewall-cmd',
]

/** Returns the firewall program that a name probably means; `undefined`: no firewall program. */
export function firewallProgram(name: string): string | undefined {
  return FIREWALL_PROGRAMS.includes(name) ? name : nearest(name, FIREWALL_PROGRAMS)
}

/** The readers of the other programs' commands. `undefined`: an unknown use of the program. */
const READERS = new Map<string, (command: Simple) => Change | readonly Change[] | undefined>([
  ['nft', nftChange],
  ['ufw', ufwChange],
  ['firewall-cmd', firewalldChanges],
  ['ipset', ipsetChange],
  ['pfctl', pfChange],
])

/**
 * Returns the changes that a program makes in a firewall. `undefined`: the changes cannot be known (a script, an
 * unknown program, or an unknown use of a known one).
 */
export function changesOf(command: Simple): readonly Change[] | undefined {
  const name = programName(command)
  const checks = isIptables(name) && command.some(({ text }) => text === '-C' || text === '--check')
  if (HARMLESS.test(name) || checks) return []
  const change = isIptables(name) ? iptablesChange(command, name) : READERS.get(name)?.(command)
  return change === undefined ? undefined : [change].flat()
}

const NFT_FAMILIES: ReadonlySet<string> = new Set(['ip', 'ip6', 'inet', 'arp', 'bridge', 'netdev'])

/**
 * Reads `add element FAMILY TABLE SET { ELEMENT }` and `add rule …` of nft(8). Deletion of a rule by handle is not
 * read.
 */
function nftChange(command: Simple): Change | undefined {
  const words = command
    .slice(1)
    .flatMap((word) => partsOf(word))
    .filter(({ text }) => !/^-[aejns]+$/.test(text))
  const [verb, object, ...rest] = words
  if (verb === undefined || object === undefined) return undefined
  const adds = verb.text === 'add' || verb.text === 'create' || verb.text === 'insert'
  const removes = verb.text === 'delete' || verb.text === 'destroy'
  if (!adds && !removes) return undefined
  const hasFamily = NFT_FAMILIES.has(rest[0]?.text ?? '')
  const family = hasFamily ? rest[0]!.text : 'ip'
  const [table, name, ...tail] = hasFamily ? rest.slice(1) : rest
  if (table === undefined || name === undefined) return undefined
  const fields = [
    fieldOf('family', hasFamily ? rest[0]! : table, family),
    fieldOf('table', table),
    fieldOf(object.text === 'element' ? 'set' : 'chain', name),
  ]
  const head = `${verb.text} ${object.text} ${name.text}`
  if (object.text === 'element') {
    const timeout = tail.findIndex(({ text }) => text === 'timeout')
    const elements = tail.filter(
      ({ text }, index) => !'{},'.includes(text) && (timeout < 0 || index < timeout || index > timeout + 1),
    )
    fields.push(...elements.map((word, index) => fieldOf(`element ${index + 1}`, word)))
    return changed('nft', adds ? 'add' : 'remove', command, head, fields, { passing: timeout >= 0 })
  }
  if (object.text !== 'rule' || !adds) return undefined
  fields.push(...tail.map((word, index) => fieldOf(`word ${index + 1}`, word)))
  return changed('nft', 'add', command, head, fields, {
    opens: tail.some(({ text }) => /^(accept|dnat|redirect)$/.test(text)),
  })
}

/** Splits a word into the words within it. nft takes `'add element …'` as one word too, and braces need no blanks. */
function partsOf({ text, offset, end }: Word): readonly Word[] {
  const quoted = end - offset === text.length + 2 ? 1 : 0
  return [...text.matchAll(/[{},]|[^\s{},]+/g)].map((match) => {
    const at = offset + quoted + match.index
    return { text: match[0], offset: at, end: at + match[0].length }
  })
}

const UFW_POLICIES: ReadonlySet<string> = new Set(['allow', 'limit', 'deny', 'reject'])

/** Reads `[route] [insert N] allow …` and `[route] delete allow …` of ufw(8). A `deny` replaces an `allow`. */
function ufwChange(command: Simple): Change | undefined {
  const words = command.slice(1).filter(({ text }) => !text.startsWith('--'))
  const fields: Field[] = []
  let removes = false
  let policy: Word | undefined
  let side = ''
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    const text = word.text.toLowerCase()
    const next = words[index + 1]
    if (policy === undefined) {
      if (text === 'delete') {
        removes = true
        if (/^[0-9]+$/.test(next?.text ?? ''))
          return changed('ufw', 'number', command, `delete ${next!.text}`, [fieldOf('number', next!)])
      } else if (text === 'insert') index++
      else if (text === 'route') fields.push(fieldOf('route', word))
      else if (UFW_POLICIES.has(text)) policy = word
      else if (text !== 'rule' && text !== 'prepend') return undefined
    } else if (text === 'comment') index++
    else if (text === 'from' || text === 'to') {
      side = text
      if (next !== undefined && next.text.toLowerCase() !== 'any')
        fields.push(pair(text, word, next, plainSource(next.text)))
      index++
    } else if (text === 'port' || text === 'proto' || text === 'app' || text === 'on') {
      if (next !== undefined)
        fields.push(pair(text === 'port' ? `${side} port` : text, word, next, plainPort(next.text.toLowerCase())))
      index++
    } else if (text !== 'in' && text !== 'log' && text !== 'log-all')
      fields.push(fieldOf(text === 'out' ? 'out' : 'port', word, plainPort(text)))
  }
  if (policy === undefined) return undefined
  const opens = policy.text.toLowerCase() === 'allow' || policy.text.toLowerCase() === 'limit'
  const act = removes || !opens ? 'remove' : 'add'
  return changed('ufw', act, command, removes ? `delete ${policy.text}` : policy.text, fields, {
    opens: act === 'add',
  })
}

function pair(label: string, word: Word, next: Word, value: string): Field {
  return { label, value, text: `${word.text} ${next.text}`, offset: word.offset }
}

/** Reads firewall-cmd(1). `--remove-X=V` undoes `--add-X=V` of the same zone, if both or neither have `--permanent`. */
function firewalldChanges(command: Simple): readonly Change[] {
  const words = command.slice(1)
  const scope: Field[] = []
  let passing = false
  const acts: { readonly act: 'add' | 'remove'; readonly word: Word; readonly what: string; readonly value: string }[] =
    []
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!
    const [option = '', ...rest] = word.text.split('=')
    const match = /^--(add|remove)-([a-z-]+)$/.exec(option)
    const scoped = option === '--zone' || option === '--policy' || option === '--timeout'
    let value = rest.join('=')
    if (rest.length === 0 && (match !== null || scoped)) value = words[++index]?.text ?? ''
    if (option === '--timeout') passing = true
    else if (scoped) scope.push({ label: option, value, text: `${option}=${value}`, offset: word.offset })
    else if (option === '--permanent') scope.push(fieldOf(option, word))
    else if (match !== null) {
      // A direct rule is the rest of the line.
      if (match[2] === 'rule') value = [value, ...words.slice(index + 1).map(({ text }) => text)].join(' ')
      acts.push({
        act: match[1] === 'add' ? 'add' : 'remove',
        word,
        what: match[2]!,
        value: value.replaceAll(/["']/g, ''),
      })
    }
  }
  return acts.map(({ act, word, what, value }) => {
    const fields = [
      ...scope,
      { label: 'what', value: what, text: word.text, offset: word.offset },
      { label: 'value', value, text: word.text, offset: word.offset },
    ]
    const opens = act === 'add' && !/\b(drop|reject)\b/i.test(value)
    return changed('firewall-cmd', act, command, `--${act}-${what}`, fields, { opens, passing })
  })
}

/** Reads `add SET ENTRY` and `del SET ENTRY` of ipset(8). */
function ipsetChange(command: Simple): Change | undefined {
  const words = command.slice(1)
  const timeout = words.findIndex(({ text }) => text === 'timeout')
  const [verb, set, entry] = words.filter(({ text }) => !/^(-exist|-!|-q|-quiet|-w)$/.test(text))
  if (verb === undefined || set === undefined || entry === undefined) return undefined
  const adds = /^(add|-A|--add)$/.test(verb.text)
  if (!adds && !/^(del|-D|--del)$/.test(verb.text)) return undefined
  const fields = [fieldOf('set', set), fieldOf('entry', entry)]
  return changed('ipset', adds ? 'add' : 'remove', command, `${verb.text} ${set.text}`, fields, {
    passing: timeout >= 0,
  })
}

/** Reads `-t TABLE -T add ADDRESS` and `-T delete` of pfctl(8). */
function pfChange(command: Simple): Change | undefined {
  const words = command.slice(1)
  const after = (option: string): number => words.findIndex(({ text }) => text === option) + 1
  const table = after('-t')
  const verb = after('-T')
  const word = words[verb]?.text ?? ''
  if (table === 0 || verb === 0 || words[table] === undefined || !/^(add|del|delete)$/.test(word)) return undefined
  const addresses = words.filter(({ text }, index) => index > verb && index !== table && !text.startsWith('-'))
  const fields = [fieldOf('table', words[table]), ...addresses.map((address) => fieldOf('address', address))]
  return changed('pfctl', word === 'add' ? 'add' : 'remove', command, `-T ${word}`, fields)
}
