import { readAccess } from './access.ts'
import type { AccessReading } from './access.ts'

/** Directives that have something run, which is nothing that keys can say. */
const RUNS = /^[ \t]*(ENABLE_CMD_EXEC|CMD_[A-Z_]+)\b/

/**
 * Reads keys as `fwknop --key-gen` prints them, `KEY_BASE64: …` and its like, as the one stanza of an access.conf that they
 * come to; lines are those of the file. What the keys open is the door's to say: a file that has something run is at fault,
 * as it may come from whoever made the keys. Never throws.
 */
export function readKeys(text: string): AccessReading {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    // What fwknop says beside them begins with a bracket.
    .map((line) => line.replace(/^\[/, '# [').replace(/^([ \t]*\w+):[ \t]*/, '$1 '))
  if (!lines.some((line) => /^\s*\w/.test(line))) return readAccess(text)
  const read = readAccess(['SOURCE ANY', ...lines].join('\n'))
  const [stanzas, faults] = [read.stanzas.map(ofFile), read.faults.map(ofFile)]
  if (!stanzas.some(({ commands, cycle }) => commands !== undefined || cycle !== undefined)) return { stanzas, faults }
  const line = lines.findIndex((each) => RUNS.test(each)) + 1
  const [, name = ''] = RUNS.exec(lines[line - 1] ?? '') ?? []
  const message = `${name} does not belong in a file of keys`
  const hint = "what they open is the door's to say; a stanza in an `Access_File` can have it"
  return { stanzas: [], faults: [...faults, { severity: 'error', line, column: 1, message, hint }] }
}

/** A line in front of the file's first is told as that one. */
function ofFile<T extends { readonly line: number }>(each: T): T {
  return { ...each, line: Math.max(1, each.line - 1) }
}
