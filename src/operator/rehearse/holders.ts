import { TOTP_SKEW_MAX } from '../../config/config.ts'
import type { Knock, SecretConfig } from '../../config/config.ts'
import { USERS_FILE_MAX_BYTES, parseUsers } from '../../config/users.ts'
import type { UserSecret } from '../../config/users.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { codeOf, periodAt } from '../../totp/code.ts'
import { knocksOfCode } from '../../totp/ports.ts'
import { SECRET_FILE_MAX_BYTES, readSecret } from '../../totp/secret-text.ts'

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
  knocks({ kind, path, code }: SecretConfig & { kind: 'totp' | 'users' }): Knocks | string {
    const secret = firstOf(kind, path)
    if (typeof secret === 'string') return `${path}: ${secret}`
    if (secret.kind === 'sequence') {
      const knocks = [...code.before, ...secret.knocks]
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
      knocks: [...code.before, ...knocksOfCode(right)],
      wrongKnocks: [...code.before, ...knocksOfCode(wrong)],
    }
  }
}

function firstOf(kind: 'totp' | 'users', path: string): UserSecret | string {
  try {
    if (kind === 'users') {
      const [first] = parseUsers(readPrivateText(path, USERS_FILE_MAX_BYTES, SECRET)).users
      return first?.secret ?? 'has no users'
    }
    const read = readSecret(readPrivateText(path, SECRET_FILE_MAX_BYTES, SECRET))
    return 'message' in read ? read.message : { kind: 'totp', totp: read.value }
  } catch (error) {
    return (error as Error).message
  }
}
