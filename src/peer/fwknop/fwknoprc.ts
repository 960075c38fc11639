import { FaultList, quote } from '../../config/fault.ts'
import type { Fault } from '../../config/config.ts'
import { nearest } from '../../config/nearest.ts'
import { linesOf } from '../../text/lines.ts'
import { RC_DIRECTIVES, RC_REFUSED } from './rc-directives.ts'
import type { RcSettings } from './rc-directives.ts'

/** The maximum size of a ~/.fwknoprc, in UTF-16 units. */
export const FWKNOPRC_MAX_CHARS = 1_048_576
/** The maximum number of stanzas in a ~/.fwknoprc. */
const STANZAS_MAX = 4_096
/** The stanza that applies to all servers. */
export const DEFAULT_STANZA = 'default'

/** A line of a stanza. */
interface RcLine {
  readonly name: string
  readonly value: string
  readonly line: number
  readonly column: number
}

/** The stanzas of a ~/.fwknoprc by name, with values that have not been read yet. */
export type RcStanzas = ReadonlyMap<string, readonly RcLine[]>

/** The contents of a ~/.fwknoprc. `faults` are those that belong to no stanza. */
export interface RcReading {
  readonly stanzas: RcStanzas
  readonly faults: readonly Fault[]
}

/**
 * Splits a ~/.fwknoprc into stanzas: `[name]`, then lines `NAME value` or `NAME: value`. A value ends at a blank, `;`
 * or `#`. The values are read by {@link settingsFor}, once the server is known.
 */
export function readFwknoprc(text: string): RcReading {
  const faults = new FaultList()
  const stanzas = new Map<string, RcLine[]>()
  if (text.length > FWKNOPRC_MAX_CHARS) {
    faults.error(1, 1, 'the file is too large', `at most ${FWKNOPRC_MAX_CHARS} characters`)
    return { stanzas, faults: faults.sorted() }
  }
  let stanza: RcLine[] | undefined
  for (const { number: line, text: whole, stray } of linesOf(text)) {
    if (stray !== undefined) {
      faults.error(line, stray.column, stray.message, stray.hint)
      continue
    }
    const content = whole.trim()
    const column = whole.length - whole.trimStart().length + 1
    if (content === '' || content.startsWith('#') || content.startsWith(';')) continue
    const header = /^\[([^\]]*)\]/.exec(content)
    if (header !== null) {
      const name = header[1]!.trim()
      stanza = stanzas.get(name) ?? []
      if (stanzas.size < STANZAS_MAX) stanzas.set(name, stanza)
      else faults.error(line, column, 'too many stanzas', `at most ${STANZAS_MAX}`)
      continue
    }
    const words = /^([^\s:=]+)(:?\s+)([^\s;#]*)/.exec(content)
    if (words === null || words[3]!.startsWith('=')) {
      faults.error(line, column, 'this line has no value', 'write `NAME value`')
    } else if (stanza === undefined) {
      faults.error(line, column, `${quote(words[1]!)} is before the first stanza`, 'a stanza begins with `[name]`')
    } else {
      stanza.push({ name: words[1]!, value: words[3]!, line, column })
    }
  }
  return { stanzas, faults: faults.sorted() }
}

/**
 * Returns the settings for one server: those of `[default]`, overridden by the stanza of that name. Each directive is
 * either supported or refused by name with its line.
 */
export function settingsFor(
  stanzas: RcStanzas,
  name: string | undefined,
): { readonly settings: RcSettings; readonly faults: readonly Fault[] } {
  const faults = new FaultList()
  const settings: RcSettings = {}
  const lines = [...(stanzas.get(DEFAULT_STANZA) ?? []), ...(name === undefined ? [] : (stanzas.get(name) ?? []))]
  for (const { name: key, value, line, column } of lines) {
    const read = Object.hasOwn(RC_DIRECTIVES, key) ? RC_DIRECTIVES[key] : undefined
    const refused = Object.hasOwn(RC_REFUSED, key) ? RC_REFUSED[key] : undefined
    if (refused !== undefined) {
      if (!/^(n|no|0)$/i.test(value)) faults.error(line, column, `${key} is not supported`, refused)
      continue
    }
    if (read === undefined) {
      const meant = nearest(key, [...Object.keys(RC_DIRECTIVES), ...Object.keys(RC_REFUSED)])
      const hint = meant === undefined ? 'names are in capitals, as fwknop(8) lists them' : `did you mean ${meant}?`
      faults.error(line, column, `unknown directive ${quote(key)}`, hint)
      continue
    }
    const result = read(value, settings)
    if ('fault' in result) faults.error(line, column, `${key}: ${result.fault}`, result.hint)
    else Object.assign(settings, result.value)
  }
  return { settings, faults: faults.sorted() }
}
