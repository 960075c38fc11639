import { LATENCY_BOUNDS_S, REFUSALS } from '../control/message.ts'
import type { RefusalReason, Totals } from '../control/message.ts'

/** Counts of everything. */
export type AllTotals = { readonly [Name in keyof Totals]-?: NonNullable<Totals[Name]> }

/** Counts that are changed in place. */
export interface Counts {
  openings: Record<string, number>
  commandFailures: Record<string, number>
  refusals: Record<RefusalReason, number>
  replays: number
  scans: number
  guesses: number
  knocks: number
  packets: { seen: number; taken: number; lost: number }
  latency: { counts: number[]; sumS: number }
}

/** The most doors that are counted one by one. Further doors share a count. */
export const COUNTED_DOORS_MAX = 1_000
/** The name under which all other doors are counted. No door has it. */
export const OTHER_DOORS = ''

/** Returns counts of nothing. */
export function noCounts(): Counts {
  return {
    openings: emptyRecord(),
    commandFailures: emptyRecord(),
    refusals: Object.fromEntries(REFUSALS.map((reason) => [reason, 0])) as Counts['refusals'],
    replays: 0,
    scans: 0,
    guesses: 0,
    knocks: 0,
    packets: { seen: 0, taken: 0, lost: 0 },
    latency: { counts: [...LATENCY_BOUNDS_S, Infinity].map(() => 0), sumS: 0 },
  }
}

/** Adds counts field by field. */
export function sumOf(one: AllTotals, other: AllTotals): AllTotals {
  const { packets, latency } = one
  return {
    openings: added(one.openings, other.openings),
    commandFailures: added(one.commandFailures, other.commandFailures),
    refusals: added(one.refusals, other.refusals) as AllTotals['refusals'],
    replays: one.replays + other.replays,
    scans: one.scans + other.scans,
    guesses: one.guesses + other.guesses,
    knocks: one.knocks + other.knocks,
    packets: {
      seen: packets.seen + other.packets.seen,
      taken: packets.taken + other.packets.taken,
      lost: packets.lost + other.packets.lost,
    },
    latency: {
      counts: latency.counts.map((count, index) => count + (other.latency.counts[index] ?? 0)),
      sumS: latency.sumS + other.latency.sumS,
    },
  }
}

/** Moves the counts of doors that are no longer counted one by one to those of all others. */
export function foldDoors(counts: Record<string, number>, doors: ReadonlySet<string>): void {
  for (const [door, count] of Object.entries(counts)) {
    if (door === OTHER_DOORS || doors.has(door)) continue
    delete counts[door]
    counts[OTHER_DOORS] = (counts[OTHER_DOORS] ?? 0) + count
  }
}

/** Reads counts from JSON. Returns `undefined` for anything else than the exact form. */
export function readCounts(value: unknown): Counts | undefined {
  if (!isObject(value)) return undefined
  // Files of earlier versions have no knocks.
  const { openings, commandFailures, refusals, packets, latency, replays, scans, guesses, knocks = 0 } = value
  if (![openings, commandFailures].every((each) => isCounts(each, COUNTED_DOORS_MAX + 1))) return undefined
  if (![refusals, packets].every((each) => isCounts(each, REFUSALS.length))) return undefined
  if (![replays, scans, guesses, knocks].every(isCount) || !isObject(latency)) return undefined
  const { counts, sumS } = latency
  if (!Array.isArray(counts) || counts.length !== LATENCY_BOUNDS_S.length + 1 || !counts.every(isCount))
    return undefined
  if (typeof sumS !== 'number' || !Number.isFinite(sumS) || sumS < 0) return undefined
  const none = noCounts()
  return {
    openings: Object.assign(emptyRecord(), openings),
    commandFailures: Object.assign(emptyRecord(), commandFailures),
    refusals: known(none.refusals, refusals as Record<string, number>),
    replays: replays as number,
    scans: scans as number,
    guesses: guesses as number,
    knocks: knocks as number,
    packets: known(none.packets, packets as Record<string, number>),
    latency: { counts: counts as number[], sumS },
  }
}

/** Takes the names that this version knows from counts of any version. */
function known<Of extends Record<string, number>>(none: Of, counts: Readonly<Record<string, number>>): Of {
  return Object.fromEntries(Object.keys(none).map((name) => [name, counts[name] ?? 0])) as Of
}

function added(one: Readonly<Record<string, number>>, other: Readonly<Record<string, number>>): Record<string, number> {
  const sum: Record<string, number> = Object.assign(emptyRecord(), one)
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count
  return sum
}

/** A door may be called `__proto__`. */
function emptyRecord(): Record<string, number> {
  return Object.create(null) as Record<string, number>
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isCounts(value: unknown, max: number): boolean {
  if (!isObject(value)) return false
  const counts = Object.values(value)
  return counts.length <= max && counts.every(isCount)
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
