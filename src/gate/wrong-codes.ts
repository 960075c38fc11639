import { TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { CODE_PORT_MAX, CODE_PORT_MIN } from '../totp/ports.ts'

/**
 * The maximum number of wrong codes before doors with only a code ignore a source. For codes after a sequence, it is
 * the maximum number of attempts with wrong codes: one attempt can try twenty. See {@link COST}.
 */
export const WRONG_CODES_MAX = 16

/** The two kinds of codes, each with its own allowance: codes without a sequence, and codes after a sequence. */
export type CodeKind = 'bare' | 'behind'

// A word holds the time of its last update and the used part of each allowance.
const TIME_SHIFT = 16
const TIME_BITS = 0xffff
const COUNT_BITS = 0xff
const SHIFT: Readonly<Record<CodeKind, number>> = { bare: 8, behind: 0 }
/**
 * The cost of a wrong code. One unit is regained in each Scan_Ignore. An 8-digit code then lasts one address more than
 * ten years on average, with or without a sequence before it.
 */
const COST: Readonly<Record<CodeKind, number>> = { bare: 1, behind: 5 }
/** The number of Scan_Ignores after which the whole allowance is regained. */
export const FORGOTTEN_AFTER = COST.behind * WRONG_CODES_MAX + 1
/** The number of time units of a word in the time that regains one unit of allowance. */
const UNITS = 64

/** Returns true if a packet that begins a connection goes to a code port. */
export function isCodePort({ protocol, port }: Packet): boolean {
  return protocol === TCP && port >= CODE_PORT_MIN && port <= CODE_PORT_MAX
}

/** Returns the used part of an allowance. */
function spent(word: number, kind: CodeKind): number {
  return (word >>> SHIFT[kind]) & COUNT_BITS
}

/** Returns true if the allowance is used up. */
export function isUsedUp(word: number, kind: CodeKind): boolean {
  return excess(word, kind) > 0
}

/** Returns how much must be regained before another wrong code is allowed. */
function excess(word: number, kind: CodeKind): number {
  return spent(word, kind) - COST[kind] * (WRONG_CODES_MAX - 1)
}

/** Returns the word with one more wrong code. The word must be up to date. Times are tenths of a second. */
export function withWrongCode(word: number, kind: CodeKind, now: number, regain: number): number {
  const begun = word === 0 ? unitsAt(now, regain) << TIME_SHIFT : word
  return isUsedUp(begun, kind) ? begun : begun + (COST[kind] << SHIFT[kind])
}

/** Returns the word without the wrong codes of an attempt that sent the right code. */
export function withoutWrongCodes(word: number, kind: CodeKind, count: number): number {
  const after = word - (Math.min(count * COST[kind], spent(word, kind)) << SHIFT[kind])
  return (after & ((COUNT_BITS << SHIFT.bare) | COUNT_BITS)) === 0 ? 0 : after
}

/**
 * Returns the word brought up to date. Both allowances regain one unit after each `regain`.
 *
 * @param now tenths of a second
 * @param regain tenths of a second, at least one
 */
export function regained(word: number, now: number, regain: number): number {
  const times = Math.floor(sinceUpdate(word, now, regain) / regain)
  if (times === 0) return word
  const bare = Math.max(0, spent(word, 'bare') - times)
  const behind = Math.max(0, spent(word, 'behind') - times)
  if (bare === 0 && behind === 0) return 0
  const units = (word >>> TIME_SHIFT) + Math.floor((times * regain) / unitOf(regain))
  return ((units & TIME_BITS) << TIME_SHIFT) | (bare << SHIFT.bare) | (behind << SHIFT.behind)
}

/** Returns tenths of a second until an allowance is no longer used up. The word must be up to date. */
export function regainedIn(word: number, kind: CodeKind, now: number, regain: number): number {
  return Math.max(0, excess(word, kind) * regain - sinceUpdate(word, now, regain))
}

function sinceUpdate(word: number, now: number, regain: number): number {
  return ((unitsAt(now, regain) - (word >>> TIME_SHIFT)) & TIME_BITS) * unitOf(regain)
}

function unitsAt(now: number, regain: number): number {
  return Math.floor(now / unitOf(regain)) & TIME_BITS
}

function unitOf(regain: number): number {
  return regain / UNITS
}
