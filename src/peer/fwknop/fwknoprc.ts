import { FaultList, quote } from '../../text/fault.ts'
import type { Fault } from '../../text/fault.ts'
import type { Entry } from '../../text/directive.ts'
import { contentLines } from '../../text/lines.ts'
import { RC } from './rc-directives.ts'
import type { RcSettings } from './rc-directives.ts'

/** The maximum size of a ~/.fwknoprc, in UTF-16 units. */
export const FWKNOPRC_MAX_CHARS = 1_048_576
/** The maximum number of stanzas in a ~/.fwknoprc. */
const STANZAS_MAX = 4_096
/** The stanza that applies to all servers. */
export const DEFAULT_STANZA = 'default'

/** The stanzas of a ~/.fwknoprc by name, with values that have not been read yet. */
export type RcStanzas = ReadonlyMap<string, readonly Entry[]>

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
  const stanzas = new Map<string, Entry[]>()
  let stanza: Entry[] | undefined
  for (const { number: line, content, column, stray } of contentLines(text, FWKNOPRC_MAX_CHARS, faults, /^[#;]/)) {
    if (stray !== undefined) continue
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
      const [, key = '', between = '', value = ''] = words
      const valueColumn = column + key.length + between.length
      stanza.push({ key, value, line, keyColumn: column, valueColumn })
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
  const entries = [...(stanzas.get(DEFAULT_STANZA) ?? []), ...(name === undefined ? [] : (stanzas.get(name) ?? []))]
  const { values: settings } = RC.settle({ entries, complete: true }, faults)
  return { settings, faults: faults.sorted() }
}
