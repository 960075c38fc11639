import { createHash } from 'node:crypto'
import type { Knock } from '../config/config.ts'

/** Bytes of SHA-256 that are kept: 128 bits, so that two sequences never share a mark by chance. */
const MARK_BYTES = 16

/**
 * Returns the mark of a used one-time sequence, a hash of the door's name and all knocks. The state therefore holds no
 * sequence in clear. Blanks or an explicit `:tcp` in the file do not change the mark. A knock without a size has the
 * text that it had before there were sizes.
 */
export function usedMark(door: string, knocks: readonly Knock[]): string {
  return hashOf([door, ...knocks.map(textOf)])
}

/**
 * Returns the mark of a sequence whatever the door is: one list under the names of two doors counts once in a fleet. A
 * door's name has no blank, so this is no mark of a door.
 */
export function sharedMark(knocks: readonly Knock[]): string {
  return hashOf(['any door', ...knocks.map(textOf)])
}

function hashOf(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest().toString('base64url', 0, MARK_BYTES)
}

function textOf({ port, protocol, size }: Knock): string {
  return size === undefined ? `${port}/${protocol}` : `${port}/${protocol}/${size}`
}
