import { createHash } from 'node:crypto'
import type { Knock } from '../config/config.ts'

/** Bytes of SHA-256 that are kept: 128 bits, so that two sequences never share a mark by chance. */
const MARK_BYTES = 16

/**
 * What is remembered of a used one-time sequence: a hash of the door's name and of every knock, so that the state holds
 * no sequence in clear, and blanks or a spelled-out `:tcp` in the file do not make a new sequence of an old one.
 */
export function usedMark(door: string, knocks: readonly Knock[]): string {
  const text = [door, ...knocks.map(({ port, protocol }) => `${port}/${protocol}`)].join('\n')
  return createHash('sha256').update(text).digest().toString('base64url', 0, MARK_BYTES)
}
