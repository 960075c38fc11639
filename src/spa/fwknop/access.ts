import { LINE_MAX_CHARS } from '../../config/config.ts'
import type { Fault } from '../../config/config.ts'
import { FaultList, quote } from '../../config/fault.ts'
import { nearest } from '../../config/nearest.ts'
import { linesOf } from '../../text/lines.ts'
import { ACCESS_DIRECTIVES, ACCESS_NAMES, ACCESS_REFUSED, SOURCE } from './access-directives.ts'
import type { AccessSettings } from './access-directives.ts'
import { buildStanza } from './access-stanza.ts'
import type { Stanza } from './stanza.ts'

export { grant, matches } from './grant.ts'
export type { Asked, Grant, Sent } from './grant.ts'
export type { CommandCycle, CommandTerms, GnupgSigners, GnupgTerms, Stanza } from './stanza.ts'

/** Largest access.conf, in UTF-16 units. */
export const ACCESS_MAX_CHARS = 1_048_576
/** Most stanzas in one: a packet is tried against every one of them. */
export const ACCESS_STANZAS_MAX = 1_024

/** The stanzas of an access.conf, in the order they are tried in. */
export interface AccessReading {
  /** Empty as soon as one fault is an error. */
  readonly stanzas: readonly Stanza[]
  readonly faults: readonly Fault[]
}

/** A line with a directive. */
interface Line {
  readonly name: string
  /** Up to a `;` or the end of the line, blanks at its end included. */
  readonly value: string
  readonly line: number
  readonly column: number
  readonly valueColumn: number
}

/** A stanza while its lines are read. */
interface Draft {
  readonly line: number
  settings: AccessSettings
  readonly lines: Map<string, number>
  /** Whether a line of it is at fault: what the others come to without it is not worth saying. */
  broken: boolean
}

/**
 * Reads fwknopd's access.conf (fwknopd(8)): `NAME value` or `NAME: value`, a value ends at `;`, and SOURCE begins a stanza.
 * Every directive is honoured or refused by name. What was seen of fwknopd 2.6.10 where its manual says nothing: names are
 * case-sensitive, the last of two lines counts, and blanks at the end belong to a key. Never throws.
 */
export function readAccess(text: string): AccessReading {
  const faults = new FaultList()
  const drafts: Draft[] = []
  if (text.length > ACCESS_MAX_CHARS) {
    faults.error(1, 1, 'the file is too large', `at most ${ACCESS_MAX_CHARS} characters`)
    return { stanzas: [], faults: faults.sorted() }
  }
  for (const { number, text: whole, crlf, stray } of linesOf(text)) {
    if (stray !== undefined) faults.error(number, stray.column, stray.message, stray.hint)
    const line = stray === undefined ? readLine(crlf ? `${whole}\r` : whole, number, faults) : 'faulty'
    if (line === undefined) continue
    if (line === 'faulty') {
      const draft = drafts.at(-1)
      if (draft !== undefined) draft.broken = true
      continue
    }
    if (line.name === SOURCE) {
      if (drafts.length === ACCESS_STANZAS_MAX) {
        faults.error(line.line, line.column, 'too many stanzas', `at most ${ACCESS_STANZAS_MAX}`)
        break
      }
      drafts.push({ line: line.line, settings: {}, lines: new Map(), broken: false })
    }
    const draft = drafts.at(-1)
    const settings = readDirective(line, draft, faults)
    if (draft === undefined) continue
    if (settings === undefined) draft.broken = true
    else addSettings(draft, settings, line, faults)
  }
  if (drafts.length === 0) faults.error(1, 1, 'there is no stanza', 'a stanza begins with `SOURCE ANY`, say')
  const stanzas = drafts.map((draft) => buildStanza(draft, draft.broken ? new FaultList() : faults))
  return { stanzas: faults.failed ? [] : stanzas, faults: faults.sorted() }
}

function readLine(whole: string, line: number, faults: FaultList): Line | 'faulty' | undefined {
  const content = whole.trim()
  if (content === '' || content.startsWith('#') || content.startsWith(';')) return undefined
  const column = whole.length - whole.trimStart().length + 1
  if (whole.length > LINE_MAX_CHARS) {
    faults.error(line, column, 'this line is too long', `at most ${LINE_MAX_CHARS} characters`)
    return 'faulty'
  }
  const match = /^([^\s;=]+?):?([ \t]+)([^;]*)(;?)([^]*)$/.exec(whole.trimStart())
  const [, name = '', blanks = '', value = '', , behind = ''] = match ?? []
  if (value.trim() === '' || value.startsWith('=')) {
    const meant = content.startsWith('[') ? 'a stanza begins with `SOURCE ANY`, say' : 'write `NAME value`'
    faults.error(line, column, 'this line has no value', meant)
    return 'faulty'
  }
  // Of a name and its colon, if it has one, and of the blanks behind.
  const valueColumn = column + whole.trimStart().indexOf(blanks, name.length) + blanks.length
  if (!/^\s*(#|$)/.test(behind)) {
    const hint = 'fwknopd leaves the rest out: delete it, or write it on a line of its own'
    faults.error(line, valueColumn + value.length, 'the value ends at this `;`', hint)
    return 'faulty'
  }
  return { name, value, line, column, valueColumn }
}

/** Directives whose values fwknopd takes to the last blank. */
const WHOLE = new Set(['KEY', 'HMAC_KEY', 'GPG_DECRYPT_PW'])

/** What a line says; `undefined` where it is at fault. */
function readDirective(
  { name, value, line, column, valueColumn }: Line,
  draft: Draft | undefined,
  faults: FaultList,
): AccessSettings | undefined {
  const read = Object.hasOwn(ACCESS_DIRECTIVES, name) ? ACCESS_DIRECTIVES[name] : undefined
  const refused = Object.hasOwn(ACCESS_REFUSED, name) ? ACCESS_REFUSED[name] : undefined
  const trimmed = value.trim()
  if (refused !== undefined) {
    if (refused.harmless?.test(trimmed) === true) return {}
    faults.error(line, column, `${name} is not supported`, refused.instead)
    return undefined
  }
  if (read === undefined) {
    const meant = nearest(name, ACCESS_NAMES)
    const hint = meant === undefined ? 'names are in capitals, as fwknopd(8) lists them' : `did you mean ${meant}?`
    faults.error(line, column, `unknown directive ${quote(name)}`, hint)
    return undefined
  }
  if (draft === undefined) {
    faults.error(line, column, `${name} stands before the first stanza`, 'a stanza begins with `SOURCE ANY`, say')
    return undefined
  }
  if (WHOLE.has(name) && value !== trimmed) {
    const hint = `delete it; or, if the client has it too, write ${name === 'GPG_DECRYPT_PW' ? 'another' : `${name}_BASE64`}`
    faults.error(line, valueColumn + trimmed.length, 'fwknopd takes a blank at the end for a part of the key', hint)
    return undefined
  }
  const result = read(trimmed)
  if ('fault' in result) {
    faults.error(line, valueColumn, `${name}: ${result.fault}`, result.hint)
    return undefined
  }
  const comment = trimmed.search(/\s#/)
  if (comment >= 0) {
    const hint = 'a comment stands on a line of its own, or behind a `;`'
    faults.warning(line, valueColumn + comment + 1, 'this `#` and what follows belong to the value', hint)
  }
  return result.value
}

function addSettings(draft: Draft, settings: AccessSettings, { name, line, column }: Line, faults: FaultList): void {
  for (const setting of Object.keys(settings)) {
    const before = draft.lines.get(setting)
    if (before !== undefined) {
      const hint = 'delete one of them: fwknopd too takes the last'
      faults.warning(line, column, `${name} replaces what line ${before} says`, hint)
    }
    draft.lines.set(setting, line)
  }
  draft.settings = { ...draft.settings, ...settings }
}
