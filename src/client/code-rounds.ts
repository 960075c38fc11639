import type { Knock } from '../config/config.ts'
import { codeOf, periodAt, type TotpSecret } from '../totp/code.ts'
import { knocksOfCode } from '../totp/ports.ts'
import { readSecret, SECRET_FILE_MAX_BYTES } from '../totp/secret-text.ts'
import { ClientError } from './fault.ts'
import { readPrivate } from './private-file.ts'
import type { Rounds } from './rounds.ts'

/** Milliseconds a code has to be good for yet when its first knock leaves: what a slow network and a clock may take. */
export const CODE_LEFT_MIN_MS = 2_000
/** However long the knocks take, a code in the first half of its period is begun: there is no better moment. */
const WAIT_IN_LAST = 1 / 2

/** What making codes needs of the outside. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly pause: (ms: number) => Promise<void>
  /** Tells a wait: it is longer than anybody expects of a knock. */
  readonly warn: (line: string) => void
}

/** What is remembered of the codes of one secret at one host, over runs of the program. */
export interface LastCode {
  /** The period of the code that was knocked last. */
  last(): number | undefined
  used(period: number): void
}

/**
 * Knocks with the code of the moment behind `before`, another code in every round, since each opens only once: it waits
 * for the next period where the code has been knocked already, by this run or one before, or would soon expire.
 *
 * @param takesMs how long a round takes by the pauses between its knocks
 */
export function codeRounds(
  secret: TotpSecret,
  before: readonly Knock[],
  takesMs: (round: number) => number,
  clock: Clock,
  code: LastCode,
): Rounds {
  const periodMs = secret.periodS * 1_000
  return async (round) => {
    const needMs = Math.min(CODE_LEFT_MIN_MS + takesMs(round), periodMs * WAIT_IN_LAST)
    for (;;) {
      const now = clock.now()
      const period = periodAt(secret, now)
      const leftMs = (period + 1) * periodMs - now
      if (period !== code.last() && leftMs >= needMs) {
        code.used(period)
        return [...before, ...knocksOfCode(codeOf(secret, period))]
      }
      clock.warn(`waiting ${(leftMs / 1_000).toFixed(1)} s for the next code`)
      await clock.pause(leftMs)
    }
  }
}

/** Reads the file of `--totp-file`. Throws a ClientError when it is none, or open to others. */
export async function readSecretFile(path: string): Promise<TotpSecret> {
  const read = readSecret((await readPrivate(path, SECRET_FILE_MAX_BYTES)).toString('utf8'))
  if ('secret' in read) return read.secret
  throw new ClientError(`${path}: ${read.message}`, read.hint)
}
