import { CLASSIC, LIST } from '../../file/policy.ts'
import { readPrivateFile, readPrivateText } from '../../file/private-file.ts'
import { parseOneTime } from '../../config/one-time.ts'
import { CONFIG_MAX_BYTES } from '../../config/config.ts'
import type { Knock, SecretConfig } from '../../config/config.ts'
import { oneTimeOf } from '../../config/secret.ts'
import { formatSequence } from '../../config/sequence.ts'
import { ONE_TIME_FILE_MAX_BYTES } from '../../secret/one-time-list.ts'
import { makeSequence } from '../../publish/sequence.ts'

/** The number of sequences for a door whose list the daemon makes: two for each family, and some spare ones. */
const MADE = 8

/** Reads the text of a config that was checked before. */
export function readWhole(file: string): string {
  return readPrivateText(file, CONFIG_MAX_BYTES, CLASSIC)
}

/** The text of a list of one-time sequences, with the unused sequences in order. */
export interface OneTimeList {
  readonly text: string
  readonly left: readonly (readonly Knock[])[]
}

/** Returns the list that the rehearsal uses for a door; `undefined` if it is missing or cannot be read. */
export function listOf(secret: SecretConfig): OneTimeList | undefined {
  const oneTime = oneTimeOf(secret)
  if (oneTime === undefined) return undefined
  if ('path' in oneTime) return readList(oneTime.path)
  const { list } = oneTime
  const left = Array.from({ length: MADE }, () => makeSequence(list, new Set()))
  return { text: left.map((knocks) => ` ${formatSequence(knocks)}\n`).join(''), left }
}

/** Reads a list for a copy, and leaves the real one unchanged. Returns `undefined` if it cannot be read. */
function readList(path: string): OneTimeList | undefined {
  try {
    const text = readPrivateFile(path, ONE_TIME_FILE_MAX_BYTES, LIST).toString('latin1')
    const { lines } = parseOneTime(text)
    return { text, left: lines.filter(({ marked }) => !marked).map(({ knocks }) => knocks) }
  } catch {
    return undefined
  }
}
