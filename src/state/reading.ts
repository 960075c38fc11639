import { decodeLine } from './line.ts'
import type { Line } from './line.ts'

/**
 * What the bytes of a journal say.
 *
 * `whole`: every line is there. `torn`: only lines are missing that nobody had been told were durable, as a crash or a
 * power cut leaves it. `damaged`: lines are missing or unreadable that had been on disk.
 *
 * The very last write is the one case that cannot be told apart: a line that was durable and went bad later looks like
 * one that never got there, unless a later write says so.
 */
export interface Reading {
  readonly state: 'whole' | 'torn' | 'damaged'
  /** Every line that can be read, in the order of the file, those behind a gap included. */
  readonly lines: readonly Line[]
  /** How many of them stand before the first gap, and how many bytes they take. */
  readonly intactLines: number
  readonly intactBytes: number
  /** Unreadable stretches: the line of the file (from 1) each begins at. At most {@link FAULT_LINES_MAX}. */
  readonly badLines: readonly number[]
}

/** Most unreadable lines that are named: enough to find the place, not enough to fill a log. */
export const FAULT_LINES_MAX = 8

const LINE_FEED = 0x0a

/** Reads a whole journal. Total: any bytes give a reading. */
export function readJournal(bytes: Uint8Array): Reading {
  const lines: Line[] = []
  const badLines: number[] = []
  let intactLines = 0
  let intactBytes = 0
  let intact = true
  let inOrder = true
  // The first line is synced before the file gets its name, so it has to be there.
  let promised = 1
  let at = 0
  for (let row = 1; at < bytes.length; row++) {
    const end = bytes.indexOf(LINE_FEED, at)
    const line = end < 0 ? undefined : decodeLine(bytes.subarray(at, end))
    if (line === undefined || line.number !== lines.length) {
      if (intact || line === undefined) {
        if (badLines.length < FAULT_LINES_MAX) badLines.push(row)
      }
      intact = false
    }
    if (line !== undefined) {
      if (line.number < (lines.at(-1)?.number ?? -1) + 1) inOrder = false
      lines.push(line)
      promised = Math.max(promised, line.durable)
    }
    at = end < 0 ? bytes.length : end + 1
    if (intact) {
      intactLines = lines.length
      intactBytes = at
    }
  }
  const state = intactLines < promised || !inOrder ? 'damaged' : intact ? 'whole' : 'torn'
  return { state, lines, intactLines, intactBytes, badLines }
}
