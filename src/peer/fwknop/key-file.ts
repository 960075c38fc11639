import { readAccess } from './access.ts'
import type { AccessReading } from './access.ts'

/** The directives that run a command, which a file of keys must not contain. */
const RUNS = /^[ \t]*(ENABLE_CMD_EXEC|CMD_[A-Z_]+)\b/

/**
 * Reads the output of `fwknop --key-gen`, with lines like `KEY_BASE64: …`, as the only stanza of an access.conf. Line
 * numbers are those of the file. The door decides what the keys open. A file that runs a command has a fault, since it
 * may come from the person who made the keys. Never throws.
 */
export function readKeys(text: string): AccessReading {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    // The other lines in the output of fwknop begin with a bracket.
    .map((line) => line.replace(/^\[/, '# [').replace(/^([ \t]*\w+):[ \t]*/, '$1 '))
  if (!lines.some((line) => /^\s*\w/.test(line))) return readAccess(text)
  const read = readAccess(['SOURCE ANY', ...lines].join('\n'))
  const [stanzas, faults] = [read.stanzas.map(ofFile), read.faults.map(ofFile)]
  if (!stanzas.some(({ commands, cycle }) => commands !== undefined || cycle !== undefined)) return { stanzas, faults }
  const line = lines.findIndex((each) => RUNS.test(each)) + 1
  const [, name = ''] = RUNS.exec(lines[line - 1] ?? '') ?? []
  const message = `${name} does not belong in a file of keys`
  const hint = 'the door decides what keys open; use a stanza in an `Access_File` instead'
  return { stanzas: [], faults: [...faults, { severity: 'error', line, column: 1, message, hint }] }
}

/** A fault before the first line of the file is reported at the first line. */
function ofFile<T extends { readonly line: number }>(each: T): T {
  return { ...each, line: Math.max(1, each.line - 1) }
}
