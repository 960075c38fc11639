import { TCP } from '../packet/packet.ts'
import type { Packet } from '../packet/packet.ts'
import { CODE_PORT_MAX, CODE_PORT_MIN } from '../totp/ports.ts'

/**
 * Knocks at wrong ports of codes that a source may make before doors with codes alone ignore it, and attempts with such
 * knocks before doors with codes behind a sequence do: in one attempt it can try twenty codes. See {@link COST}.
 */
export const WRONG_CODES_MAX = 16

/** Whose allowance it is: codes that are all of a secret, and codes behind a sequence. */
export type CodeKind = 'bare' | 'behind'

// A word holds when it was last brought up to date, and how much of each allowance is used up.
const TIME_SHIFT = 16
const TIME_BITS = 0xffff
const COUNT_BITS = 0xff
const SHIFT: Readonly<Record<CodeKind, number>> = { bare: 8, behind: 0 }
/**
 * What one costs. One of it is regained in each Scan_Ignore, so that 8 digits last one address more than ten years on
 * average, whether it knows a sequence that comes before them or not.
 */
const COST: Readonly<Record<CodeKind, number>> = { bare: 1, behind: 5 }
/** After how many Scan_Ignores nothing of an allowance is used up any more. */
export const FORGOTTEN_AFTER = COST.behind * WRONG_CODES_MAX + 1
/** Units of a word's time in the time after which one knock is regained. */
const UNITS = 64

/** Whether a packet that begins a connection goes to a port that a code may have. */
export function isCodePort({ protocol, port }: Packet): boolean {
  return protocol === TCP && port >= CODE_PORT_MIN && port <= CODE_PORT_MAX
}

/** How much of an allowance is used up. */
function spent(word: number, kind: CodeKind): number {
  return (word >>> SHIFT[kind]) & COUNT_BITS
}

/** Whether the allowance is used up. */
export function isUsedUp(word: number, kind: CodeKind): boolean {
  return excess(word, kind) > 0
}

/** How much has to be regained before there is room for one more. */
function excess(word: number, kind: CodeKind): number {
  return spent(word, kind) - COST[kind] * (WRONG_CODES_MAX - 1)
}

/** The word with one more; it must be up to date. Times are tenths of a second. */
export function withWrongCode(word: number, kind: CodeKind, now: number, regain: number): number {
  const begun = word === 0 ? unitsAt(now, regain) << TIME_SHIFT : word
  return isUsedUp(begun, kind) ? begun : begun + (COST[kind] << SHIFT[kind])
}

/** The word with so many less: those of an attempt that came to a right code. */
export function withoutWrongCodes(word: number, kind: CodeKind, count: number): number {
  const after = word - (Math.min(count * COST[kind], spent(word, kind)) << SHIFT[kind])
  return (after & ((COUNT_BITS << SHIFT.bare) | COUNT_BITS)) === 0 ? 0 : after
}

/**
 * The word brought up to date: of both allowances one is regained after each `regain`.
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

/** Tenths of a second until an allowance is no longer used up. The word must be up to date. */
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
