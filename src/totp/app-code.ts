import { codeOf, periodAt } from './code.ts'
import type { TotpSecret } from './code.ts'

/** The values that an app uses if it ignores a parameter of the URI, which are the defaults of Google's Key Uri Format. */
export const APP_DEFAULTS = { digits: 6, algorithm: 'SHA1', periodS: 30 } as const
/** The parameters that apps ignore, in the order in which they are named. */
export const PARAMETERS = ['digits', 'algorithm', 'periodS'] as const
export type Parameter = (typeof PARAMETERS)[number]

/** Periods around the present one whose codes are taken as right (the default of TOTP_Skew). */
export const NEAR_PERIODS = 1
/** Periods around the present one in which a wrong clock is looked for. */
const FAR_PERIODS = 20

/** The time during which a code was typed, in milliseconds since 1970. */
export interface Typed {
  readonly fromMs: number
  readonly toMs: number
}

/** An app that shows a code of a secret. */
export interface AppCode {
  /** The secret as the app has it. */
  readonly secret: TotpSecret
  readonly ignored: readonly Parameter[]
  /** The periods from the present one to that of the code: negative if the app's clock is behind. */
  readonly periodsOff: number
  /** The bounds of the difference between the app's clock and this one, in milliseconds; negative: the app's is behind. */
  readonly offMs: readonly [least: number, most: number]
}

/**
 * Finds the app that shows a code: one that takes all parameters of the secret, or ignores some. The app with the
 * fewest ignored parameters counts, and one with the right time before one with a wrong clock.
 *
 * @returns `undefined`: the code is not of this secret, or the clocks differ by more than 20 periods
 */
export function appOf(secret: TotpSecret, code: string, typed: Typed): AppCode | undefined {
  const apps = appsOf(secret).filter((each) => each.secret.digits === code.length)
  for (const reach of [0, NEAR_PERIODS, FAR_PERIODS]) {
    for (const app of apps) {
      const found = periodOf(app.secret, code, typed, reach)
      if (found !== undefined) return { ...app, ...found }
    }
  }
  return undefined
}

/** Returns the secret as each kind of app has it, those with fewer ignored parameters first. */
export function appsOf(secret: TotpSecret): readonly Pick<AppCode, 'secret' | 'ignored'>[] {
  const usual = PARAMETERS.filter((name) => secret[name] !== APP_DEFAULTS[name])
  const apps = Array.from({ length: 2 ** usual.length }, (_, bits) => {
    const ignored = usual.filter((_name, index) => (bits >> index) % 2 === 1)
    const changed = Object.fromEntries(ignored.map((name) => [name, APP_DEFAULTS[name]]))
    return { secret: { ...secret, ...changed }, ignored }
  })
  return apps.toSorted((one, other) => one.ignored.length - other.ignored.length)
}

function periodOf(
  secret: TotpSecret,
  code: string,
  { fromMs, toMs }: Typed,
  reach: number,
): Pick<AppCode, 'periodsOff' | 'offMs'> | undefined {
  const [first, last] = [periodAt(secret, fromMs), periodAt(secret, toMs)]
  const periodMs = secret.periodS * 1_000
  for (let period = Math.max(0, first - reach); period <= last + reach; period++) {
    if (codeOf(secret, period) !== code) continue
    const periodsOff = period < first ? period - first : Math.max(0, period - last)
    return { periodsOff, offMs: [period * periodMs - toMs, (period + 1) * periodMs - fromMs] }
  }
  return undefined
}
