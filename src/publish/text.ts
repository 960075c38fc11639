import type { Knock } from '../config/config.ts'
import { formatSequence } from '../config/sequence.ts'

/** What a published list says of itself. */
export interface ListHeading {
  readonly door: string
  /** Which host its sequences are knocked at, where the config says: no other gets them. */
  readonly host?: string | undefined
  /** When the text was made, milliseconds since 1970. */
  readonly made: number
  /** Until when sequences of the list before this one are good, milliseconds since 1970; `undefined`: there is none. */
  readonly before: number | undefined
}

/** A list of sequences as it is published, encrypted: headings that begin with `#`, and a sequence a line, the next one first. */
export function listText({ door, host, made, before }: ListHeading, sequences: readonly (readonly Knock[])[]): string {
  return [
    '# Postern sequences, format 1',
    `# door: ${door}`,
    ...(host === undefined ? [] : [`# host: ${host}`]),
    `# made: ${timeText(made)}`,
    `# left: ${sequences.length}`,
    ...(before === undefined ? [] : [`# the list before this one is good until: ${timeText(before)}`]),
    '# The first line below is the next one; each opens once.',
    ...sequences.map(formatSequence),
    '',
  ].join('\n')
}

/** RFC 3339, to the second, in UTC. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z')
}
