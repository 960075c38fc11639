import { TOTP_SKEW_MAX } from '../../config/config.ts'
import type { Knock, SecretConfig } from '../../config/config.ts'
import { secretPath, writtenKnocks } from '../../config/secret.ts'
import { holdersMaxBytes, readHolders } from '../../config/users.ts'
import type { UserSecret } from '../../config/users.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { codeOf, periodAt } from '../../totp/code.ts'
import { knocksOfCode } from '../../totp/ports.ts'

/** The number of valid periods at either end that are not used, because they may end before the knock. */
const MARGIN_PERIODS = 2

/** The knocks that open a door, and those for the attempts that must not open it. */
export interface Knocks {
  readonly knocks: readonly Knock[]
  readonly wrongKnocks: readonly Knock[]
}

/** Chooses the knocks of doors whose secrets are in a file. It takes the first user, and uses no code twice. */
export class Holders {
  readonly #taken = new Set<string>()

  /** Returns knocks that open the door now, or the reason why there are none. */
  knocks(config: SecretConfig): Knocks | string {
    const path = secretPath(config) ?? ''
    const before = writtenKnocks(config)
    const secret = firstOf(config, path)
    if (typeof secret === 'string') return `${path}: ${secret}`
    if ('knocks' in secret) {
      const knocks = [...before, ...secret.knocks]
      return { knocks, wrongKnocks: knocks }
    }
    const { totp } = secret
    const now = periodAt(totp, Date.now())
    const codes: string[] = []
    for (let period = now - TOTP_SKEW_MAX + MARGIN_PERIODS; period <= now + TOTP_SKEW_MAX - MARGIN_PERIODS; period++) {
      const each = codeOf(totp, period)
      if (!this.#taken.has(`${path} ${each}`)) codes.push(each)
    }
    const [right, wrong] = codes
    if (right === undefined || wrong === undefined) return 'all current codes are used'
    this.#taken.add(`${path} ${right}`)
    return {
      knocks: [...before, ...knocksOfCode(right)],
      wrongKnocks: [...before, ...knocksOfCode(wrong)],
    }
  }
}

function firstOf(secret: SecretConfig, path: string): UserSecret | string {
  try {
    const read = readHolders(secret, readPrivateText(path, holdersMaxBytes(secret), SECRET))
    return 'message' in read ? read.message : (read.value[0] ?? 'has no users')
  } catch (error) {
    return (error as Error).message
  }
}
