import { wrap } from '../../cli/help.ts'
import type { Health, Status, Totals } from '../../control/message.ts'
import { oneLine } from '../../log/line.ts'
import { COLUMNS, table } from './table.ts'

const SUBJECT_CHARS = 9
const STATE_CHARS = 10
const SHIFT = ' '.repeat(2 + SUBJECT_CHARS + STATE_CHARS)
const TEXT_CHARS = COLUMNS - SHIFT.length
/** A part of a word that is longer than a line. */
const PART = new RegExp(`.{1,${TEXT_CHARS}}`, 'gsu')

/** Formats what each door waits for. */
export function waitsText({ doors }: Status): readonly string[] {
  const waiting = doors.flatMap(({ name, waits }) => (waits === undefined ? [] : [[name, waits]]))
  return waiting.length === 0 ? [] : ['', ...table('waiting for', ['door', 'what'], waiting)]
}

/** Formats the counts since the start, and since the first one. */
export function totalsText({ totals }: Status): readonly string[] {
  if (totals === undefined) return []
  const since = new Date(totals.since).toISOString().slice(0, 10)
  return [...counts('since the start', totals.start), ...counts(`since ${since}, over restarts`, totals.all), '']
}

/** Formats the health of each part. */
export function healthText({ health }: Status): readonly string[] {
  return health === undefined ? [] : ['health:', ...health.flatMap(healthLines)]
}

/** Returns the number of something for all names together. */
export function sumOf(counted: Readonly<Record<string, number>> = {}): number {
  return Object.values(counted).reduce((sum, count) => sum + count, 0)
}

function healthLines({ subject, state, message }: Health): readonly string[] {
  const words = oneLine(message)
    .split(' ')
    .flatMap((word) => word.match(PART) ?? [])
  const [first = '', ...more] = wrap(words, TEXT_CHARS)
  const line = `  ${subject.padEnd(SUBJECT_CHARS)}${state.padEnd(STATE_CHARS)}${first}`
  return [line, ...more.map((each) => `${SHIFT}${each}`)]
}

function counts(title: string, totals: Totals): readonly string[] {
  const { openings, commandFailures, refusals, replays, scans, guesses, knocks, packets, latency } = totals
  const refused = Object.entries(refusals ?? {}).filter(([, count]) => count > 0)
  const reasons = refused.length === 0 ? '' : ` (${refused.map(([reason, count]) => `${count} ${reason}`).join(', ')})`
  const opened = latency?.counts.reduce((sum, count) => sum + count, 0) ?? 0
  const parts = [
    `openings: ${sumOf(openings)}`,
    ...(latency === undefined || opened === 0
      ? []
      : [`in ${((latency.sumS / opened) * 1_000).toFixed(1)} ms on average`]),
    ...(refusals === undefined ? [] : [`refused: ${sumOf(refusals)}${reasons}`]),
    ...(replays === undefined ? [] : [`replays: ${replays}`]),
    ...(scans === undefined ? [] : [`scans: ${scans}`]),
    ...(guesses === undefined ? [] : [`sources with wrong codes: ${guesses}`]),
    ...(knocks === undefined ? [] : [`knocks: ${knocks}`]),
    `commands failed: ${sumOf(commandFailures)}`,
    ...(packets === undefined ? [] : [`packets: ${packets.seen} seen, ${packets.taken} taken, ${packets.lost} lost`]),
  ]
  return [`${title}:`, ...wrap(parts.join('; ').split(' '), COLUMNS - 2).map((line) => `  ${line}`)]
}
