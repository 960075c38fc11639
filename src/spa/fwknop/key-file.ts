import { readAccess } from './access.ts'
import type { AccessReading } from './access.ts'

/** Directives that have something run, which is nothing that keys can say. */
const RUNS = /^[ \t]*(ENABLE_CMD_EXEC|CMD_[A-Z_]+)\b/

/** Lines that {@link asStanza} puts in front. */
const ADDED_LINES = 1

/**
 * Reads keys as `fwknop --key-gen` prints them. What they open is the door's to say: a file that has something run is at
 * fault, as it may come from whoever made the keys. Never throws.
 */
export function readKeys(text: string): AccessReading {
  const { stanzas, faults: found } = readAccess(asStanza(text))
  // Of the line that is put in front nothing is at fault.
  const faults = found.map((fault) => ({ ...fault, line: Math.max(1, fault.line - ADDED_LINES) }))
  const reading = { stanzas, faults }
  if (!reading.stanzas.some(({ commands, cycle }) => commands !== undefined || cycle !== undefined)) return reading
  const lines = text.split('\n')
  const line = lines.findIndex((each) => RUNS.test(each)) + 1
  const [, name = ''] = RUNS.exec(lines[line - 1] ?? '') ?? []
  const message = `${name} does not belong in a file of keys`
  const hint = "what they open is the door's to say; a stanza in an `Access_File` can have it"
  return { stanzas: [], faults: [...reading.faults, { severity: 'error', line, column: 1, message, hint }] }
}

/** The same as the stanza of an access.conf, behind a line with its SOURCE. */
function asStanza(text: string): string {
  // What it says beside them begins with a bracket.
  const lines = text.split('\n').map((line) => line.replace(/^\[/, '# [').replace(/^([ \t]*\w+):[ \t]*/, '$1 '))
  const first = lines.findIndex((line) => /^[ \t]*\w/.test(line))
  return first < 0 ? text : ['SOURCE ANY', ...lines].join('\n')
}
