import { readAccess } from './access.ts'
import type { AccessReading } from './access.ts'

/**
 * Reads keys as `fwknop --key-gen` prints them, `KEY_BASE64: …` and its like, as the one stanza of an access.conf that they
 * come to. Lines are those of the file.
 */
export function readFwknopKeys(text: string): AccessReading {
  // What it says beside them begins with a bracket.
  const lines = text
    .replace(/^\uFEFF/, '')
    .split('\n')
    .map((line) => line.replace(/^\[/, '# [').replace(/^([ \t]*\w+):[ \t]*/, '$1 '))
  if (!lines.some((line) => /^\s*\w/.test(line))) return readAccess(text)
  const { stanzas, faults } = readAccess(['SOURCE ANY', ...lines].join('\n'))
  return { stanzas: stanzas.map(ofFile), faults: faults.map(ofFile) }
}

/** A line in front of the file's first is told as that one. */
function ofFile<T extends { readonly line: number }>(each: T): T {
  return { ...each, line: Math.max(1, each.line - 1) }
}
