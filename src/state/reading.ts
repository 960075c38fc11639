import { decodeLine } from './line.ts'
import type { Line } from './line.ts'

/**
 * The content of a journal.
 *
 * `whole`: no line is missing. `torn`: only lines that were never acknowledged are missing, as after a crash or a power
 * cut. `damaged`: lines that were on disk are missing or unreadable.
 *
 * The very last write is ambiguous. A durable line that went bad later looks like an incomplete one, unless a later
 * line counts it as durable.
 */
export interface Reading {
  readonly state: 'whole' | 'torn' | 'damaged'
  /** Every readable line, in the order of the file, including those after a gap. */
  readonly lines: readonly Line[]
  /** The number of lines before the first gap, and their bytes. */
  readonly intactLines: number
  readonly intactBytes: number
  /** The line number (from 1) at which each unreadable part begins. At most {@link FAULT_LINES_MAX}. */
  readonly badLines: readonly number[]
}

/** Most unreadable lines that are listed: enough to find the place, too few to fill a log. */
export const FAULT_LINES_MAX = 8

const LINE_FEED = 0x0a

/** Reads a whole journal. Any bytes give a result. */
export function readJournal(bytes: Uint8Array): Reading {
  const lines: Line[] = []
  const badLines: number[] = []
  let intactLines = 0
  let intactBytes = 0
  let intact = true
  let inOrder = true
  // The first line is synced before the file is renamed, so it has to be there.
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
