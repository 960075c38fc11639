import { TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { CODE_PORT_MAX, CODE_PORT_MIN } from '../totp/ports.ts'

/**
 * Knocks at wrong ports of codes that a source may make before doors with codes ignore it. One is regained in each
 * Scan_Ignore, so that 8 digits last one address about twenty years on average.
 */
export const WRONG_CODES_MAX = 16

/** Whose allowance it is: codes that are all of a secret, and codes behind a sequence. */
export type CodeKind = 'bare' | 'behind'

// A word holds when it was last brought up to date, and how much of each allowance is used up.
const TIME_SHIFT = 16
const TIME_BITS = 0xffff
const COUNT_BITS = 0xff
const SHIFT: Readonly<Record<CodeKind, number>> = { bare: 8, behind: 0 }
/** Units of a word's time in the time after which one knock is regained. */
const UNITS = 64

/** Whether a packet that begins a connection goes to a port that a code may have. */
export function isCodePort({ protocol, port }: Packet): boolean {
  return protocol === TCP && port >= CODE_PORT_MIN && port <= CODE_PORT_MAX
}

/** How many wrong knocks the word holds. */
export function wrongCodes(word: number, kind: CodeKind): number {
  return (word >>> SHIFT[kind]) & COUNT_BITS
}

/** Whether the allowance is used up. */
export function isUsedUp(word: number, kind: CodeKind): boolean {
  return wrongCodes(word, kind) >= WRONG_CODES_MAX
}

/** The word with one wrong knock more; it must be up to date. Times are tenths of a second. */
export function withWrongCode(word: number, kind: CodeKind, now: number, regain: number): number {
  const begun = word === 0 ? unitsAt(now, regain) << TIME_SHIFT : word
  return isUsedUp(begun, kind) ? begun : begun + (1 << SHIFT[kind])
}

/** The word with so many wrong knocks less: those of an attempt that came to a right code. */
export function withoutWrongCodes(word: number, kind: CodeKind, count: number): number {
  const after = word - (Math.min(count, wrongCodes(word, kind)) << SHIFT[kind])
  return (after & ((COUNT_BITS << SHIFT.bare) | COUNT_BITS)) === 0 ? 0 : after
}

/**
 * The word brought up to date: one wrong knock of each kind is forgotten after each `regain`.
 *
 * @param now tenths of a second
 * @param regain tenths of a second, at least one
 */
export function regained(word: number, now: number, regain: number): number {
  const times = Math.floor(sinceUpdate(word, now, regain) / regain)
  if (times === 0) return word
  const bare = Math.max(0, wrongCodes(word, 'bare') - times)
  const behind = Math.max(0, wrongCodes(word, 'behind') - times)
  if (bare === 0 && behind === 0) return 0
  const units = (word >>> TIME_SHIFT) + Math.floor((times * regain) / unitOf(regain))
  return ((units & TIME_BITS) << TIME_SHIFT) | (bare << SHIFT.bare) | (behind << SHIFT.behind)
}

/** Tenths of a second until the next wrong knock is forgotten. */
export function regainedIn(word: number, now: number, regain: number): number {
  return Math.max(0, regain - sinceUpdate(word, now, regain))
}

function sinceUpdate(word: number, now: number, regain: number): number {
  return ((unitsAt(now, regain) - (word >>> TIME_SHIFT)) & TIME_BITS) * unitOf(regain)
}

function unitsAt(now: number, regain: number): number {
  return Math.floor(now / unitOf(regain)) & TIME_BITS
}

function unitOf(regain: number): number {
  return Math.max(1, Math.floor(regain / UNITS))
}
