import { LINE_MAX_CHARS } from '../../text/section.ts'
import type { Fault, FaultSink } from '../../text/fault.ts'
import { FaultList, quote } from '../../text/fault.ts'
import type { Entry } from '../../text/directive.ts'
import { contentLines } from '../../text/lines.ts'
import type { ContentLine } from '../../text/lines.ts'
import { ACCESS, INCLUDES, KEY_DIRECTIVES, SOURCE } from './access-directives.ts'
import { buildStanza } from './access-stanza.ts'
import { Includes } from './include.ts'
import type { AccessSource, Included } from './include.ts'
import type { Place, Stanza } from './stanza.ts'

export { grant, matches } from './grant.ts'
export type { Asked, Grant, Sent } from './grant.ts'
export type { CommandCycle, CommandTerms, GnupgSigners, GnupgTerms, Stanza } from './stanza.ts'

/** The maximum size of an access.conf, in UTF-16 units. */
export const ACCESS_MAX_CHARS = 1_048_576
/** The maximum number of stanzas. A packet is tried against each of them. */
export const ACCESS_STANZAS_MAX = 1_024

const FIRST_HINT = 'a stanza begins with a line like `SOURCE ANY`'

/** The stanzas of an access.conf, in the order of use. */
export interface AccessReading {
  /** The stanzas, or an empty list if a fault is an error. */
  readonly stanzas: readonly Stanza[]
  readonly faults: readonly Fault[]
}

/** A stanza while its lines are being read. */
interface Draft {
  readonly place: Place
  readonly entries: Entry[]
  readonly keyFiles: string[]
  /** False if one of its lines is left out because of a fault. */
  complete: boolean
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
    if (this.#drafts.length === 0) faults.error(1, 1, 'there is no stanza', FIRST_HINT)
    const stanzas = this.#drafts.map(({ place, keyFiles, ...lines }) => {
      const { values: settings, entries: places, complete, valid } = ACCESS.settle(lines, faults)
      // Faults that depend on a faulty line are not reported.
      return buildStanza({ place, settings, places, keyFiles }, complete && valid ? faults : new FaultList())
    })
    return { stanzas: faults.failed ? [] : stanzas, faults: faults.sorted() }
  }

  /** @param chain the absolute paths of the files that include each other, up to and including this file */
  read({ path, text }: { readonly path: string | undefined; readonly text: string }, chain: readonly string[]): void {
    const faults = this.#faults.of(path)
    let draft: Draft | undefined
    for (const entry of accessLines(text, path, faults)) {
      if (entry === undefined) {
        if (draft !== undefined) draft.complete = false
      } else if (INCLUDES.has(entry.key)) {
        this.#include(entry, draft, chain)
      } else if (entry.key === SOURCE) {
        if (this.#drafts.length === ACCESS_STANZAS_MAX) {
          faults.error(entry.line, entry.keyColumn, 'too many stanzas', `at most ${ACCESS_STANZAS_MAX}`)
          return
        }
        draft = { place: placeOf(entry), entries: [entry], keyFiles: [], complete: true }
        this.#drafts.push(draft)
      } else if (draft === undefined) {
        this.#refuseEarly(entry)
      } else {
        draft.entries.push(entry)
      }
    }
  }

  /** Refuses a line before the first stanza, unless it means nothing anywhere. */
  #refuseEarly(entry: Entry): void {
    const found = ACCESS.find(entry.key)
    if (found === undefined || ACCESS.table[found].refused !== undefined) {
      ACCESS.settle({ entries: [entry], complete: true }, this.#faults)
      return
    }
    const message = `${entry.key} is before the first stanza`
    this.#faults.of(entry.file).error(entry.line, entry.keyColumn, message, FIRST_HINT)
  }

  #include({ key: name, value = '', ...line }: Entry, draft: Draft | undefined, chain: readonly string[]): void {
    const faults = this.#faults.of(line.file)
    const refuse = (message: string, hint?: string): void => {
      faults.error(line.line, line.valueColumn, `${name}: ${message}`, hint)
      if (name === '%include_keys' && draft !== undefined) draft.complete = false
    }
    const includes = this.#includes
    if (includes === undefined) return refuse('nothing can be included here', 'only an access.conf includes files')
    const whole = includes.path(value)
    if ('message' in whole) return refuse(whole.message, whole.hint)
    const path = whole.value
    if (!value.startsWith('/')) {
      const hint = `write the whole path: fwknopd resolves it from its own working folder`
      faults.warning(line.line, line.valueColumn, `${name}: a relative path, resolved to ${quote(path)}`, hint)
    }
    if (name === '%include_keys') {
      if (draft === undefined) return refuse('this is before the first stanza', FIRST_HINT)
      const read = includes.keys(path)
      draft.keyFiles.push(path)
      return 'message' in read ? refuse(`${path} ${read.message}`, read.hint) : this.#readKeys(read.value, draft)
    }
    const folder = name === '%include' ? { value: [path] } : includes.folder(path)
    if ('message' in folder) return refuse(`${path} ${folder.message}`, folder.hint)
    for (const file of folder.value) {
      const read = includes.stanzas(file, chain)
      if ('message' in read) refuse(`${file} ${read.message}`, read.hint)
      else if (read.value === undefined) {
        faults.warning(line.line, line.valueColumn, `${name}: ${file} is included already`, 'it counts once')
      } else this.read(read.value, [...chain, file])
    }
  }

  /** Reads a file of keys for the stanza that includes it. */
  #readKeys({ path, text }: Included, draft: Draft): void {
    const faults = this.#faults.of(path)
    // The other lines in the output of fwknop --key-gen begin with a bracket.
    for (const entry of accessLines(text.replaceAll(/^\[/gm, '#['), path, faults)) {
      if (entry === undefined) draft.complete = false
      else if (KEY_DIRECTIVES.has(entry.key)) draft.entries.push(entry)
      else {
        const hint = 'fwknopd ignores it there: write it in the stanza'
        const message = `${quote(entry.key)} does not belong in a file of %include_keys`
        faults.error(entry.line, entry.keyColumn, message, hint)
        draft.complete = false
      }
    }
  }
}

/** Yields the lines of a file with directives, and `undefined` for a line whose fault was reported. */
function* accessLines(text: string, file: string | undefined, faults: FaultSink): Generator<Entry | undefined> {
  for (const line of contentLines(text, ACCESS_MAX_CHARS, faults, /^[#;]/)) {
    const entry = line.stray === undefined ? readLine(line, faults) : undefined
    yield entry === undefined || file === undefined ? entry : { ...entry, file }
  }
}

function placeOf({ file, line }: Place): Place {
  return file === undefined ? { line } : { file, line }
}

/** The directives whose values keep trailing blanks in fwknopd. */
const WHOLE = new Set(['KEY', 'HMAC_KEY', 'GPG_DECRYPT_PW'])

/** Reads a line up to a `;` or its end. */
function readLine({ number: line, text, crlf, content, column }: ContentLine, faults: FaultSink): Entry | undefined {
  if (text.length > LINE_MAX_CHARS) {
    faults.error(line, column, 'the line is too long', `at most ${LINE_MAX_CHARS} characters`)
    return undefined
  }
  const whole = (crlf ? `${text}\r` : text).trimStart()
  const [, key = '', blanks = '', value = '', , behind = ''] =
    /^([^\s;=]+?):?([ \t]+)([^;]*)(;?)([^]*)$/.exec(whole) ?? []
  const trimmed = value.trim()
  if (trimmed === '' || value.startsWith('=')) {
    faults.error(line, column, 'this line has no value', content.startsWith('[') ? FIRST_HINT : 'write `NAME value`')
    return undefined
  }
  // The position is after the name, its optional colon, and the blanks.
  const valueColumn = column + whole.indexOf(blanks, key.length) + blanks.length
  if (!/^\s*(#|$)/.test(behind)) {
    const hint = 'fwknopd ignores the rest: delete it, or write it on its own line'
    faults.error(line, valueColumn + value.length, 'the value ends at this `;`', hint)
    return undefined
  }
  if (WHOLE.has(key) && value !== trimmed) {
    const hint = `delete it; or, if the client has it too, write ${key === 'GPG_DECRYPT_PW' ? 'another' : `${key}_BASE64`}`
    faults.error(line, valueColumn + trimmed.length, 'fwknopd makes the trailing blank a part of the key', hint)
    return undefined
  }
  return { key, value: trimmed, line, keyColumn: column, valueColumn }
}
