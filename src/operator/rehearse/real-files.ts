import { CLASSIC } from '../../file/policy.ts'
import { readPrivateFile, readPrivateText } from '../../file/private-file.ts'
import { parseOneTime } from '../../config/one-time.ts'
import { CONFIG_MAX_BYTES } from '../../config/config.ts'
import type { Knock, Secret } from '../../config/config.ts'
import { formatSequence } from '../../config/sequence.ts'
import { ONE_TIME_FILE_MAX_BYTES } from '../../state/one-time.ts'
import { makeSequence } from '../../publish/sequence.ts'

/** Sequences that are made for a door whose list the daemon makes: two for each family, and some to spare. */
const MADE = 8

/** The config's text, which was looked at before. */
export function readWhole(file: string): string {
  return readPrivateText(file, CONFIG_MAX_BYTES, CLASSIC)
}

/** A list of one-time sequences as it is, and the sequences that are left in it, in order. */
export interface OneTimeList {
  readonly text: string
  readonly left: readonly (readonly Knock[])[]
}

/** The list that the rehearsal takes for a door. `undefined` where there is none, or it cannot be read. */
export function listOf(secret: Secret): OneTimeList | undefined {
  if (secret.kind === 'one-time') return readList(secret.path)
  if (secret.kind !== 'generated') return undefined
  const { list } = secret
  const left = Array.from({ length: MADE }, () => makeSequence(list, new Set()))
  return { text: left.map((knocks) => ` ${formatSequence(knocks)}\n`).join(''), left }
}

/** Reads a list, to be copied: nothing is struck out in the real one. `undefined` where it cannot be read. */
function readList(path: string): OneTimeList | undefined {
  try {
    const text = readPrivateFile(path, ONE_TIME_FILE_MAX_BYTES, CLASSIC).toString('latin1')
    const { lines } = parseOneTime(text)
    return { text, left: lines.filter(({ struck }) => !struck).map(({ knocks }) => knocks) }
  } catch {
    return undefined
  }
}
