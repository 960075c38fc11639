import { readFileSync } from 'node:fs'
import { parseOneTime } from '../../config/one-time.ts'
import type { Knock } from '../../config/config.ts'

/** The config's text, which was looked at before. */
export function readWhole(file: string): string {
  return readFileSync(file, 'utf8')
}

/** A list of one-time sequences as it is, and the sequences that are left in it, in order. */
export interface OneTimeList {
  readonly text: string
  readonly left: readonly (readonly Knock[])[]
}

/** Reads a list, to be copied: nothing is struck out in the real one. `undefined` where it cannot be read. */
export function readList(path: string): OneTimeList | undefined {
  try {
    const text = readFileSync(path, 'latin1')
    const { lines } = parseOneTime(text)
    return { text, left: lines.filter(({ struck }) => !struck).map(({ knocks }) => knocks) }
  } catch {
    return undefined
  }
}
