import { Failure } from '../../cli/fault.ts'
import { APP_DEFAULTS, NEAR_PERIODS, appOf } from '../../totp/app-code.ts'
import type { AppCode, Parameter } from '../../totp/app-code.ts'
import type { TotpSecret } from '../../totp/secret.ts'
import { readCode } from '../../totp/ports.ts'
import { appWarning } from '../keygen/code-secret.ts'
import type { Card } from './card.ts'
import type { CodeDoor } from './code-door.ts'
import { guessText } from './guessing.ts'
import type { Viewer } from './viewer.ts'

/** The codes that may be typed. */
const TRIES_MAX = 3
const QUESTION = 'code that the app shows'
const ONE_OFF = `a code is accepted ${NEAR_PERIODS} period off (TOTP_Skew): have both clocks set by the network`
const AS_HARD = 'guessing is as hard as before: the number of digits is the same'
const CHECK_HINT = `check the clocks of the phone and of this machine (timedatectl), and that the app shows the entry of this
  QR code: delete it there, and run this again; --no-check leaves the comparison out`

/** A secret to be compared with the app that has scanned it. */
export interface AppCheck {
  readonly secret: TotpSecret
  readonly card: Card
  /** The notes beside the QR code. */
  readonly notes: readonly string[]
  /** False: the app is not looked at. */
  readonly isChecked: boolean
  readonly door: CodeDoor
}

/** The secret as the app has it, and what to say about that. */
export interface Settled {
  readonly secret: TotpSecret
  readonly text: string
}

/** Settles a secret without a look at the app. */
export function unchecked(secret: TotpSecret): Settled {
  return { secret, text: appWarning(secret) }
}

/**
 * Shows a secret, and asks for the code that the app shows until it is one of the secret. An empty line leaves the
 * comparison out. The right code is never shown.
 *
 * @throws Failure after three wrong codes, or if the person stops
 */
export async function settle({ secret, card, notes, isChecked, door }: AppCheck, viewer: Viewer): Promise<Settled> {
  if (!isChecked) {
    await viewer.show(card, notes)
    return unchecked(secret)
  }
  let remark: string | undefined
  for (let tries = 1; tries <= TRIES_MAX; tries++) {
    const { text, ...typed } = await viewer.ask(card, QUESTION, remark === undefined ? notes : [...notes, remark])
    if (text === '') return unchecked(secret)
    const code = readCode(text)
    const app = code === undefined ? undefined : appOf(secret, code, typed)
    if (app !== undefined && Math.abs(app.periodsOff) <= NEAR_PERIODS) return await settledBy(app, secret, door, viewer)
    remark = code === undefined ? `${text} is not a code: a code has 6 to 8 digits` : wrongText(app)
  }
  throw new Failure(`${remark}: nothing was written`, CHECK_HINT)
}

function wrongText(app: AppCode | undefined): string {
  return app === undefined ? 'that is not a code of this secret' : `that code is not valid now: ${clockText(app)}`
}

/** Says by how much the clocks differ. A code may also have been typed late. */
function clockText({ periodsOff, offMs: [least, most] }: AppCode): string {
  const [low, high] = periodsOff < 0 ? [-most, -least] : [least, most]
  const span = `${Math.max(0, Math.floor(low / 1_000))} to ${Math.ceil(high / 1_000)} s`
  if (periodsOff > 0) return `the clock of the phone is ahead of this machine's by ${span}`
  const late = periodsOff === -NEAR_PERIODS ? ', or the code was typed late' : ''
  return `the clock of the phone is behind this machine's by ${span}${late}`
}

async function settledBy(app: AppCode, asked: TotpSecret, door: CodeDoor, viewer: Viewer): Promise<Settled> {
  const { secret, ignored, periodsOff } = app
  const clock = periodsOff === 0 ? '' : `${clockText(app)}\n  ${ONE_OFF}\n`
  if (ignored.length === 0) return { secret: asked, text: `the app shows the codes of this secret\n${clock}` }
  const words = ignored.map((name) => ignoredText(name, asked)).join(', ')
  const head = `the app ignores ${words}: the secret is written as the app has it\n`
  if (secret.digits === asked.digits) return { secret, text: `${head}${AS_HARD}\n${clock}` }
  const front = door.front()
  const text = `${head}${guessText(secret.digits, asked.digits, door.guess)}${front.text}${clock}`
  if (front.card !== undefined) await viewer.show(front.card, [text])
  return { secret, text }
}

function ignoredText(name: Parameter, secret: TotpSecret): string {
  const word = name === 'periodS' ? 'period' : name
  return `${word}=${secret[name]} (it has ${APP_DEFAULTS[name]})`
}
