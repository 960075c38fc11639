import { parseArgs } from 'node:util'
import { DOOR_NAME_MAX_CHARS } from '../../config/config.ts'
import { ALGORITHMS } from '../../totp/code.ts'
import type { Algorithm } from '../../totp/code.ts'
import { DIGITS_MAX, DIGITS_MIN, PERIOD_MAX_S, PERIOD_MIN_S } from '../../totp/secret-text.ts'

/** The folder of the secrets of time-based codes, with a file for each door. */
export const TOTP_FOLDER = '/etc/postern/totp'
/** The longest name of a user, in characters. */
export const USER_NAME_MAX_CHARS = 64
/** The longest name of an issuer, in characters: that of a host name (RFC 1035, 2.3.4). */
export const ISSUER_MAX_CHARS = 255
const DIGITS_DEFAULT = '8'
const PERIOD_DEFAULT_S = '30'
const ALGORITHM_DEFAULT = 'SHA1'

/** The arguments of `postern keygen totp`. */
export interface KeygenArguments {
  readonly door: string
  /** The file to write; `undefined`: the default file of the door, or none for a user's secret. */
  readonly file: string | undefined
  /** The name under which apps show the codes; `undefined`: the name of this machine. */
  readonly issuer: string | undefined
  readonly digits: number
  readonly algorithm: Algorithm
  readonly periodS: number
  /** The user who gets the secret, at a door that has users. */
  readonly user: string | undefined
  readonly qr: boolean
}

/** A command line that cannot be used. */
export class UsageError extends Error {}

/** The help of `postern keygen totp`. */
export const HELP = `usage: postern keygen totp DOOR [--file FILE] [options]

Makes the secret of a door's time-based codes, writes it to a file that only its
owner can read, and prints the line for the config, and what an authenticator
app reads, as text and as a QR code. An existing file is never overwritten.

  --file FILE       file to write; default: ${TOTP_FOLDER}/DOOR
  --issuer HOST     name that the app shows; default: the name of this machine
  --digits N        digits of a code, ${DIGITS_MIN} to ${DIGITS_MAX}; default: ${DIGITS_DEFAULT}
  --algorithm NAME  ${ALGORITHMS.join(', ')}; default: ${ALGORITHM_DEFAULT}
  --period SECONDS  time that a code is shown, ${PERIOD_MIN_S} to ${PERIOD_MAX_S}; default: ${PERIOD_DEFAULT_S}
  --user NAME       make it for one of several users of the door: prints the
                    line for the file of users, and writes a file only with
                    --file
  --no-qr           print no QR code
  -h, --help        show this help

exit status: 0 done, 1 it could not be written, 2 usage

  sudo postern keygen totp ssh
  postern keygen totp ssh --user alice --digits 6
`

/** Reads the command line. @returns `undefined` if it asks for help @throws UsageError */
export function readArguments(args: readonly string[]): KeygenArguments | undefined {
  const { values, positionals } = parse(args)
  if (values.help === true) return undefined
  const [door, ...more] = positionals
  if (door === undefined || more.length > 0) throw new UsageError('keygen totp takes one door\n  as in [ssh]: ssh')
  return {
    door: doorOf(door),
    file: values.file === undefined ? undefined : filled('--file', values.file),
    issuer: values.issuer === undefined ? undefined : issuerOf(values.issuer),
    digits: numberOf('--digits', values.digits ?? DIGITS_DEFAULT, DIGITS_MIN, DIGITS_MAX),
    algorithm: algorithmOf(values.algorithm ?? ALGORITHM_DEFAULT),
    periodS: numberOf('--period', values.period ?? PERIOD_DEFAULT_S, PERIOD_MIN_S, PERIOD_MAX_S),
    user: values.user === undefined ? undefined : userOf(values.user),
    qr: values['no-qr'] !== true,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        file: { type: 'string' },
        issuer: { type: 'string' },
        digits: { type: 'string' },
        algorithm: { type: 'string' },
        period: { type: 'string' },
        user: { type: 'string' },
        'no-qr': { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
      strict: true,
    })
  } catch (error) {
    const [message = ''] = (error as Error).message.split('. ')
    throw new UsageError(message.charAt(0).toLowerCase() + message.slice(1))
  }
}

/** Checks the name of a door, which must do as a file name too. */
function doorOf(name: string): string {
  if (name === '' || name.length > DOOR_NAME_MAX_CHARS) {
    throw new UsageError(`invalid door name\n  1 to ${DOOR_NAME_MAX_CHARS} characters`)
  }
  // oxlint-disable-next-line no-control-regex
  if (/[/\0-\x1F\x7F]|^\./.test(name)) {
    throw new UsageError('invalid door name for a file\n  without / and control characters, and without . at the front')
  }
  return name
}

function issuerOf(text: string): string {
  // oxlint-disable-next-line no-control-regex
  if (text === '' || text.length > ISSUER_MAX_CHARS || /[:\0-\x1F\x7F]/.test(text)) {
    throw new UsageError(`--issuer: invalid name\n  1 to ${ISSUER_MAX_CHARS} characters, without a colon`)
  }
  return text
}

function userOf(name: string): string {
  if (name.length <= USER_NAME_MAX_CHARS && /^[a-z0-9_][a-z0-9_.@+-]*$/i.test(name)) return name
  throw new UsageError('--user: invalid name\n  letters, digits and _ . @ + -, as in alice')
}

function algorithmOf(text: string): Algorithm {
  const algorithm = ALGORITHMS.find((each) => each === text.toUpperCase().replace('-', ''))
  if (algorithm === undefined) throw new UsageError(`--algorithm: unknown algorithm\n  ${ALGORITHMS.join(', ')}`)
  return algorithm
}

function numberOf(option: string, text: string, min: number, max: number): number {
  if (/^[0-9]{1,4}$/.test(text) && Number(text) >= min && Number(text) <= max) return Number(text)
  throw new UsageError(`${option}: not a number in range\n  ${min} to ${max}`)
}

function filled(option: string, path: string): string {
  if (path === '') throw new UsageError(`${option}: missing file name`)
  return path
}
