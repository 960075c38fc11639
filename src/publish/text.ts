import type { Knock } from '../config/config.ts'
import { formatSequence } from '../config/sequence.ts'

/** The heading of a published list. */
export interface ListHeading {
  readonly door: string
  /** The host at which the sequences are knocked, if the config names it. The client knocks at no other host. */
  readonly host?: string | undefined
  /** The time at which the text was made, in milliseconds since 1970. */
  readonly made: number
  /**
   * The time at which sequences of the previous list expire, in milliseconds since 1970; `undefined` if there is no
   * previous list.
   */
  readonly before: number | undefined
}

/**
 * Returns the plain text of a published list: headings that begin with `#`, and one sequence a line, the next one
 * first.
 */
export function listText({ door, host, made, before }: ListHeading, sequences: readonly (readonly Knock[])[]): string {
  return [
    '# Postern sequences, format 1',
    `# door: ${door}`,
    ...(host === undefined ? [] : [`# host: ${host}`]),
    `# made: ${timeText(made)}`,
    `# left: ${sequences.length}`,
    ...(before === undefined ? [] : [`# the previous list expires at: ${timeText(before)}`]),
    '# The first line below is the next sequence; each can be used once.',
    ...sequences.map(formatSequence),
    '',
  ].join('\n')
}

/** Returns a time in the format of RFC 3339, to the second, in UTC. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.[0-9]+Z$/, 'Z')
}
