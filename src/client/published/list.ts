import type { Knock } from '../../config/config.ts'
import { parseOneTime } from '../../config/one-time.ts'
import { ClientError } from '../fault.ts'

/** The largest decrypted list in bytes. */
export const LIST_MAX_BYTES = 262_144

/** The first line of every list, with the number of its format. */
const HEADING = /^(?:\u00EF\u00BB\u00BF)?# Postern sequences, format ([0-9]{1,9})\r?(?:\n|$)/
const FORMAT = '1'

/** The line with the list's host, in characters that are safe in a terminal. */
const HOST = /^# host: ([A-Za-z0-9._:-]{1,253})\r?$/m

/** The content of a published list. */
export interface PublishedList {
  /** The sequence that opens next. */
  readonly next: readonly Knock[]
  /** The number of sequences left, including the next one. */
  readonly left: number
  /** The host of the list, or `undefined` if the list does not name one. */
  readonly host?: string | undefined
}

/**
 * Parses a plain-text list: `# Postern sequences, format 1`, then lines as in a file of one-time sequences. The first
 * unused line is the next sequence.
 *
 * @throws ClientError if it is not a list, is malformed, or has no sequence left
 */
export function readList(bytes: Uint8Array): PublishedList {
  if (bytes.length > LIST_MAX_BYTES) throw new ClientError('the list is too large', `at most ${LIST_MAX_BYTES} bytes`)
  const text = Buffer.from(bytes).toString('latin1')
  const format = HEADING.exec(text)?.[1]
  if (format === undefined) {
    throw new ClientError('this is not a list of sequences', 'its first line must be: # Postern sequences, format 1')
  }
  if (format !== FORMAT) {
    throw new ClientError(`the list has the unknown format ${format}`, `only format ${FORMAT} is supported`)
  }
  const { lines, faults } = parseOneTime(text)
  const [fault] = faults
  if (fault !== undefined) throw new ClientError(`the list: line ${fault.line}: ${fault.message}`, fault.hint)
  const sequences = lines.filter(({ marked }) => !marked)
  const [next] = sequences
  if (next === undefined) throw new ClientError('the list has no sequence left', 'publish a new list')
  return { next: next.knocks, left: sequences.length, host: HOST.exec(text)?.[1] }
}
