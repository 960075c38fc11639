import type { Knock } from '../config/config.ts'
import { codeOf, type TotpSecret } from '../totp/code.ts'
import { momentAt } from '../totp/moment.ts'
import { knocksOfCode } from '../totp/ports.ts'
import { readSecret, SECRET_FILE_MAX_BYTES } from '../totp/secret-text.ts'
import { ClientError } from './fault.ts'
import { readPrivate } from './private-file.ts'
import type { Rounds } from './rounds.ts'

/** The dependencies of making codes. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  /** Reports a wait, which is longer than users expect. */
  readonly warn: (line: string) => void
}

/** The last code of one secret at one host, remembered between runs of the program. */
export interface LastCode {
  /** The period of the last code that was knocked. */
  last(): number | undefined
  used(period: number): void
}

/**
 * Returns rounds that knock `before` and then the current code. Each round uses another code, because a code can be
 * used once. It waits for the next period if the code expires soon, or if this run or an earlier one has knocked it.
 *
 * @param takesMs the duration of a round's pauses
 */
export function codeRounds(
  secret: TotpSecret,
  before: readonly Knock[],
  takesMs: (round: number) => number,
  clock: Clock,
  code: LastCode,
): Rounds {
  return async (round) => {
    for (;;) {
      const { period, leftMs, isGood } = momentAt(secret, clock.now(), takesMs(round), (each) => each === code.last())
      if (isGood) {
        code.used(period)
        return [...before, ...knocksOfCode(codeOf(secret, period))]
      }
      clock.warn(`waiting ${(leftMs / 1_000).toFixed(1)} s for the next code`)
      await clock.pause(leftMs)
    }
  }
}

/** Reads the file of `--totp-file`. @throws ClientError if the file is not a secret, or others can access it */
export async function readSecretFile(path: string): Promise<TotpSecret> {
  const read = readSecret((await readPrivate(path, SECRET_FILE_MAX_BYTES)).toString('utf8'))
  if ('value' in read) return read.value
  throw new ClientError(`${path}: ${read.message}`, read.hint)
}
