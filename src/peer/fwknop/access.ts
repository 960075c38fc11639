import { LINE_MAX_CHARS } from '../../config/config.ts'
import type { Fault } from '../../config/config.ts'
import { FaultList, quote } from '../../config/fault.ts'
import type { FaultSink } from '../../config/fault.ts'
import { nearest } from '../../config/nearest.ts'
import { linesOf } from '../../text/lines.ts'
import { ACCESS_DIRECTIVES, ACCESS_NAMES, ACCESS_REFUSED, INCLUDES, KEY_DIRECTIVES } from './access-directives.ts'
import { SOURCE } from './access-directives.ts'
import type { AccessSettings } from './access-directives.ts'
import { buildStanza } from './access-stanza.ts'
import { Includes } from './include.ts'
import type { AccessSource, Included } from './include.ts'
import { placeText } from './stanza.ts'
import type { Place, Stanza } from './stanza.ts'

export { grant, matches } from './grant.ts'
export type { Asked, Grant, Sent } from './grant.ts'
export type { CommandCycle, CommandTerms, GnupgSigners, GnupgTerms, Stanza } from './stanza.ts'

/** The maximum size of an access.conf, in UTF-16 units. */
export const ACCESS_MAX_CHARS = 1_048_576
/** The maximum number of stanzas. A packet is tried against each of them. */
export const ACCESS_STANZAS_MAX = 1_024

/** The stanzas of an access.conf, in the order of use. */
export interface AccessReading {
  /** The stanzas, or an empty list if a fault is an error. */
  readonly stanzas: readonly Stanza[]
  readonly faults: readonly Fault[]
}

/** A line with a directive. */
interface Line extends Place {
  readonly name: string
  /** The value up to a `;` or the end of the line, with trailing blanks. */
  readonly value: string
  readonly column: number
  readonly valueColumn: number
}

/** A stanza while its lines are being read. */
interface Draft {
  readonly place: Place
  settings: AccessSettings
  readonly places: Map<string, Place>
  readonly keyFiles: string[]
  /** True if one of its lines has an error. Later faults that depend on that line are not reported. */
  broken: boolean
}

/**
 * Reads fwknopd's access.conf (fwknopd(8)). A line is `NAME value` or `NAME: value`, a value ends at `;`, and SOURCE
 * begins a stanza. Each directive is either supported or refused by name. The manual is silent on some points, which
 * follow fwknopd 2.6.10: names are case-sensitive, the last of two lines counts, and trailing blanks belong to a key.
 * Lines after `%include` continue the stanza before it. Never throws.
 *
 * @param source reads included files; if absent, includes are refused
 */
export function readAccess(text: string, source?: AccessSource): AccessReading {
  const reader = new AccessReader(source)
  reader.read({ path: undefined, text }, source === undefined ? [] : [source.path])
  return reader.result()
}

/** Reads an access.conf and what it includes, file by file. */
class AccessReader {
  readonly #faults = new FaultList()
  readonly #drafts: Draft[] = []
  readonly #includes: Includes | undefined

  constructor(source: AccessSource | undefined) {
    this.#includes = source === undefined ? undefined : new Includes(source)
  }

  result(): AccessReading {
    const faults = this.#faults
    if (this.#drafts.length === 0)
      faults.error(1, 1, 'there is no stanza', 'a stanza begins with a line like `SOURCE ANY`')
    const stanzas = this.#drafts.map((draft) => buildStanza(draft, draft.broken ? new FaultList() : faults))
    return { stanzas: faults.failed ? [] : stanzas, faults: faults.sorted() }
  }

  /** @param chain the absolute paths of the files that include each other, up to and including this file */
  read({ path, text }: { readonly path: string | undefined; readonly text: string }, chain: readonly string[]): void {
    const faults = this.#faults.of(path)
    let draft: Draft | undefined
    for (const line of accessLines(text, path, faults)) {
      if (line === 'faulty') {
        if (draft !== undefined) draft.broken = true
        continue
      }
      if (INCLUDES.has(line.name)) {
        this.#include(line, draft, chain)
        continue
      }
      if (line.name === SOURCE) {
        if (this.#drafts.length === ACCESS_STANZAS_MAX) {
          faults.error(line.line, line.column, 'too many stanzas', `at most ${ACCESS_STANZAS_MAX}`)
          return
        }
        draft = { place: placeOf(line), settings: {}, places: new Map(), keyFiles: [], broken: false }
        this.#drafts.push(draft)
      }
      addLine(draft, line, faults)
    }
  }

  #include({ name, value, ...line }: Line, draft: Draft | undefined, chain: readonly string[]): void {
    const faults = this.#faults.of(line.file)
    const refuse = (message: string, hint?: string): void => {
      faults.error(line.line, line.valueColumn, `${name}: ${message}`, hint)
      if (name === '%include_keys' && draft !== undefined) draft.broken = true
    }
    const includes = this.#includes
    if (includes === undefined) return refuse('nothing can be included here', 'only an access.conf includes files')
    const written = value.trim()
    const whole = includes.path(written)
    if ('fault' in whole) return refuse(whole.fault, whole.hint)
    const path = whole.value
    if (!written.startsWith('/')) {
      const hint = `write the whole path: fwknopd resolves it from its own working folder`
      faults.warning(line.line, line.valueColumn, `${name}: a relative path, resolved to ${quote(path)}`, hint)
    }
    if (name === '%include_keys') {
      if (draft === undefined)
        return refuse('this is before the first stanza', 'a stanza begins with a line like `SOURCE ANY`')
      const read = includes.keys(path)
      draft.keyFiles.push(path)
      return 'fault' in read ? refuse(`${path} ${read.fault}`, read.hint) : this.#readKeys(read.value, draft)
    }
    const folder = name === '%include' ? { value: [path] } : includes.folder(path)
    if ('fault' in folder) return refuse(`${path} ${folder.fault}`, folder.hint)
    for (const file of folder.value) {
      const read = includes.stanzas(file, chain)
      if ('fault' in read) refuse(`${file} ${read.fault}`, read.hint)
      else if (read.value === undefined) {
        faults.warning(line.line, line.valueColumn, `${name}: ${file} is included already`, 'it counts once')
      } else this.read(read.value, [...chain, file])
    }
  }

  /** Reads a file of keys for the stanza that includes it. */
  #readKeys({ path, text }: Included, draft: Draft): void {
    const faults = this.#faults.of(path)
    // The other lines in the output of fwknop --key-gen begin with a bracket.
    for (const line of accessLines(text.replaceAll(/^\[/gm, '#['), path, faults)) {
      if (line === 'faulty') draft.broken = true
      else if (KEY_DIRECTIVES.has(line.name)) addLine(draft, line, faults)
      else {
        const hint = 'fwknopd ignores it there: write it in the stanza'
        faults.error(line.line, line.column, `${quote(line.name)} does not belong in a file of %include_keys`, hint)
        draft.broken = true
      }
    }
  }
}

/** Yields the directives of a file, and `faulty` for a line whose fault was reported. */
function* accessLines(text: string, file: string | undefined, faults: FaultSink): Generator<Line | 'faulty'> {
  if (text.length > ACCESS_MAX_CHARS) {
    faults.error(1, 1, 'the file is too large', `at most ${ACCESS_MAX_CHARS} characters`)
    return
  }
  for (const { number, text: whole, crlf, stray } of linesOf(text)) {
    if (stray !== undefined) faults.error(number, stray.column, stray.message, stray.hint)
    const line = stray === undefined ? readLine(crlf ? `${whole}\r` : whole, number, faults) : 'faulty'
    if (line !== undefined) yield line === 'faulty' || file === undefined ? line : { ...line, file }
  }
}

function placeOf({ file, line }: Place): Place {
  return file === undefined ? { line } : { file, line }
}

/** Adds the setting of a line to a stanza. A line with a fault makes the stanza broken. */
function addLine(draft: Draft | undefined, line: Line, faults: FaultSink): void {
  const settings = readDirective(line, draft, faults)
  if (draft === undefined) return
  if (settings === undefined) draft.broken = true
  else addSettings(draft, settings, line, faults)
}

function readLine(whole: string, line: number, faults: FaultSink): Line | 'faulty' | undefined {
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
    const meant = content.startsWith('[') ? 'a stanza begins with a line like `SOURCE ANY`' : 'write `NAME value`'
    faults.error(line, column, 'this line has no value', meant)
    return 'faulty'
  }
  // The position is after the name, its optional colon, and the blanks.
  const valueColumn = column + whole.trimStart().indexOf(blanks, name.length) + blanks.length
  if (!/^\s*(#|$)/.test(behind)) {
    const hint = 'fwknopd ignores the rest: delete it, or write it on its own line'
    faults.error(line, valueColumn + value.length, 'the value ends at this `;`', hint)
    return 'faulty'
  }
  return { name, value, line, column, valueColumn }
}

/** The directives whose values keep trailing blanks in fwknopd. */
const WHOLE = new Set(['KEY', 'HMAC_KEY', 'GPG_DECRYPT_PW'])

/** Reads the setting of a line, or returns `undefined` if the line has a fault. */
function readDirective(
  { name, value, line, column, valueColumn }: Line,
  draft: Draft | undefined,
  faults: FaultSink,
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
    faults.error(line, column, `${name} is before the first stanza`, 'a stanza begins with a line like `SOURCE ANY`')
    return undefined
  }
  if (WHOLE.has(name) && value !== trimmed) {
    const hint = `delete it; or, if the client has it too, write ${name === 'GPG_DECRYPT_PW' ? 'another' : `${name}_BASE64`}`
    faults.error(line, valueColumn + trimmed.length, 'fwknopd makes the trailing blank a part of the key', hint)
    return undefined
  }
  const result = read(trimmed)
  if ('fault' in result) {
    faults.error(line, valueColumn, `${name}: ${result.fault}`, result.hint)
    return undefined
  }
  const comment = trimmed.search(/\s#/)
  if (comment >= 0) {
    const hint = 'write the comment on its own line, or after a `;`'
    faults.warning(line, valueColumn + comment + 1, 'this `#` and what follows belong to the value', hint)
  }
  return result.value
}

function addSettings(draft: Draft, settings: AccessSettings, line: Line, faults: FaultSink): void {
  for (const setting of Object.keys(settings)) {
    const before = draft.places.get(setting)
    if (before !== undefined) {
      const where = before.file === line.file ? `line ${before.line}` : placeText({ file: 'access.conf', ...before })
      const hint = 'delete one of them: fwknopd also uses the last'
      faults.warning(line.line, line.column, `${line.name} overrides ${where}`, hint)
    }
    draft.places.set(setting, placeOf(line))
  }
  draft.settings = { ...draft.settings, ...settings }
}
