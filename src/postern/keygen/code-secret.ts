import type { Values } from '../../cli/option.ts'
import type { Algorithm, TotpSecret } from '../../totp/code.ts'
import type { CODE_OPTIONS } from './arguments.ts'

/** The length of a key in bytes, the same as that of the hash (RFC 4226, 4, R6; RFC 6238, 5.1). */
const KEY_BYTES: Readonly<Record<Algorithm, number>> = { SHA1: 20, SHA256: 32, SHA512: 64 }
/** The codes that every app can make. Some apps ignore everything in the URI but the key (Google's Key Uri Format). */
const SURE = { algorithm: 'SHA1', digits: 6, periodS: 30 } as const

/** Makes a secret of time-based codes. */
export function codeSecret(
  { digits, algorithm, period: periodS }: Pick<Values<typeof CODE_OPTIONS>, 'digits' | 'algorithm' | 'period'>,
  random: (bytes: number) => Uint8Array,
): TotpSecret {
  return { key: random(KEY_BYTES[algorithm]), algorithm, digits, periodS }
}

/** Returns a warning of codes that not every app can make; empty: every app can. */
export function appWarning({ algorithm, digits, periodS }: TotpSecret): string {
  const doubts: string[] = []
  if (digits !== SURE.digits) doubts.push(`${digits} digits`)
  if (algorithm !== SURE.algorithm) doubts.push(algorithm)
  if (periodS !== SURE.periodS) doubts.push(`a period of ${periodS} s`)
  if (doubts.length === 0) return ''
  const options = [
    ...(digits === SURE.digits ? [] : [`--digits ${SURE.digits}`]),
    ...(algorithm === SURE.algorithm ? [] : [`--algorithm ${SURE.algorithm}`]),
    ...(periodS === SURE.periodS ? [] : [`--period ${SURE.periodS}`]),
  ]
  return `not every app takes ${doubts.join(', ')}: check the codes of yours before you rely on them
  for those that do not: ${options.join(' ')}
`
}
