import { extname } from 'node:path'
import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import type { CommandGroup } from '../../cli/group.ts'
import type { Option, Options, Values } from '../../cli/option.ts'
import { atMostOne, one, wholeNumber } from '../../cli/value.ts'
import { DOOR_NAME_MAX_CHARS } from '../../config/config.ts'
import { ALGORITHMS } from '../../totp/code.ts'
import type { Algorithm } from '../../totp/code.ts'
import { DIGITS_MAX, DIGITS_MIN, PERIOD_MAX_S, PERIOD_MIN_S } from '../../totp/secret-text.ts'

/** The folder of the secrets of time-based codes, with a file for each door. */
export const TOTP_FOLDER = '/etc/postern/totp'
/** The file of the server's secret key for single packets. */
export const SERVER_KEY_FILE = '/etc/postern/server.key'
/** The longest name of a user, in characters. */
const USER_NAME_MAX_CHARS = 64
/** The longest name of an issuer, in characters: that of a host name (RFC 1035, 2.3.4). */
const ISSUER_MAX_CHARS = 255
const KEY_EXITS = { 0: 'done', 1: 'it could not be written or read' }

const FILE = { value: 'FILE', kind: 'file', read: filled } as const satisfies Option

/** The option that leaves the QR code out. */
const NO_QR = { help: 'print no QR code' } as const satisfies Option

/** The ends of names of pictures. */
const IMAGE_ENDS: ReadonlySet<string> = new Set(['.png', '.svg'])

/** The options of what is shown and photographed. */
export const CARD_OPTIONS = {
  'no-qr': NO_QR,
  image: {
    value: 'FILE',
    kind: 'file',
    read: imageFile,
    help: 'write the QR code to FILE too, .png or .svg, for its owner alone; several get names of their own',
  },
  'no-check': { help: 'ask for no code of the app' },
} as const satisfies Options

/** The options of a secret of time-based codes. */
export const CODE_OPTIONS = {
  issuer: {
    value: 'HOST',
    kind: 'host',
    read: issuer,
    help: 'name that the app shows; default: the name of this machine',
  },
  digits: {
    value: 'N',
    default: '8',
    read: wholeNumber(DIGITS_MIN, DIGITS_MAX),
    help: `digits of a code, ${DIGITS_MIN} to ${DIGITS_MAX}`,
  },
  algorithm: { value: 'NAME', kind: ALGORITHMS, default: 'SHA1', read: algorithm, help: ALGORITHMS.join(', ') },
  period: {
    value: 'SECONDS',
    default: '30',
    read: wholeNumber(PERIOD_MIN_S, PERIOD_MAX_S),
    help: `time that a code is shown, ${PERIOD_MIN_S} to ${PERIOD_MAX_S}`,
  },
} as const satisfies Options

const TOTP_OPTIONS = {
  file: { ...FILE, help: `file to write; default: ${TOTP_FOLDER}/DOOR` },
  ...CODE_OPTIONS,
  user: {
    value: 'NAME',
    kind: 'user',
    read: userName,
    help: 'make it for one of several users of the door: prints the line for the file of users, and writes a file only with --file',
  },
  ...CARD_OPTIONS,
} as const satisfies Options

const SPA_KEY_OPTIONS = {
  file: FILE,
  show: { help: 'make nothing, and print the line of the existing key' },
  qr: { help: 'print the public key as a QR code as well' },
} as const satisfies Options

/** The arguments of `postern keygen totp`. */
export type KeygenArguments = Values<typeof TOTP_OPTIONS> & { readonly door: string }
/** The arguments of `postern keygen server`, and of `postern keygen user`: the name of the key. */
export type SpaKeyArguments = Values<typeof SPA_KEY_OPTIONS>
export type UserKeyArguments = SpaKeyArguments & { readonly name: string | undefined }

/** `postern keygen totp` */
export const TOTP = command({
  name: 'postern keygen totp',
  summary: "make the secret of a door's time-based codes",
  forms: ['DOOR [--file FILE] [options]'],
  about: `Makes the secret of a door's time-based codes, writes it to a file that only its
owner can read, and prints the line for the config, and what an authenticator
app reads, as text and as a QR code. An existing file is never overwritten. At a
terminal it asks for the code that the app shows, and writes the secret as the
app has it: some apps know 6 digits, SHA1 and 30 seconds alone.`,
  options: TOTP_OPTIONS,
  operands: { text: 'DOOR', kinds: ['door'], first: true },
  exits: { 0: 'done', 1: 'it could not be written, or the app shows other codes' },
  examples: `  sudo postern keygen totp ssh
  sudo postern keygen totp ssh --image ssh.png
  postern keygen totp ssh --user alice --digits 6`,
  hint: '',
  read: (values, words): KeygenArguments => ({
    ...values,
    door: doorName(one(words, 'keygen totp takes one door', 'as in [ssh]: ssh')),
  }),
  run: async () => (await import('./totp.ts')).totp,
})

/** `postern keygen server` */
export const SERVER = command({
  name: 'postern keygen server',
  summary: "make this server's key for single packets",
  about: `Makes this server's key for single packets, writes it to a file that only its
owner can read, and prints the lines for each client's ~/.config/postern/config.
An existing file is never overwritten: a new key would shut every client out.`,
  options: {
    ...SPA_KEY_OPTIONS,
    file: { ...FILE, help: `file to write; default: ${SERVER_KEY_FILE}` },
    show: { help: 'make nothing, and print the lines for the existing key' },
  },
  operands: { text: '' },
  exits: KEY_EXITS,
  examples: '  sudo postern keygen server',
  hint: '',
  read: (values, words): SpaKeyArguments => {
    if (words.length > 0) throw new UsageError('keygen server takes no arguments')
    return values
  },
  run: async () => (await import('./server.ts')).server,
})

/** `postern keygen user` */
export const USER = command({
  name: 'postern keygen user',
  summary: 'make your own key for single packets',
  about: `Makes your key for single packets, writes it to a file that only you can read,
and prints the line for the server's file of users. An existing file is never
overwritten.`,
  options: {
    ...SPA_KEY_OPTIONS,
    file: { ...FILE, help: 'file to write; default: ~/.config/postern/key, where knock --spa finds it' },
  },
  operands: { text: '[NAME]', help: "name of the key; default: your name and this machine's" },
  exits: KEY_EXITS,
  examples: `  postern keygen user
  postern keygen user --show 'alice, her laptop'`,
  hint: '',
  read: (values, words): UserKeyArguments => ({
    ...values,
    name: atMostOne(words, 'keygen user takes one name', "as in 'alice, her laptop'"),
  }),
  run: async () => (await import('./user.ts')).user,
})

/** `postern keygen` */
export const KEYGEN: CommandGroup = {
  name: 'postern keygen',
  summary: "make the secret of a door's time-based codes, or keys for single packets",
  commands: [TOTP, SERVER, USER],
}

/** Checks the name of a door, which must do as a file name too. */
function doorName(name: string): string {
  if (name === '' || name.length > DOOR_NAME_MAX_CHARS) {
    throw new UsageError('invalid door name', `1 to ${DOOR_NAME_MAX_CHARS} characters`)
  }
  // oxlint-disable-next-line no-control-regex
  if (/[/\0-\x1F\x7F]|^\./.test(name)) {
    throw new UsageError('invalid door name for a file', 'without / and control characters, and without . at the front')
  }
  return name
}

function issuer(text: string): string {
  if (text === '' || text.length > ISSUER_MAX_CHARS || /[:\p{C}\p{Zl}\p{Zp}]/u.test(text)) {
    throw new UsageError('invalid name', `1 to ${ISSUER_MAX_CHARS} characters, without a colon`)
  }
  return text
}

function userName(name: string): string {
  if (name.length <= USER_NAME_MAX_CHARS && /^[a-z0-9_][a-z0-9_.@+-]*$/i.test(name)) return name
  throw new UsageError('invalid name', 'letters, digits and _ . @ + -, as in alice')
}

function algorithm(text: string): Algorithm {
  const found = ALGORITHMS.find((each) => each === text.toUpperCase().replace('-', ''))
  if (found === undefined) throw new UsageError('unknown algorithm', ALGORITHMS.join(', '))
  return found
}

function imageFile(path: string): string {
  if (IMAGE_ENDS.has(extname(path).toLowerCase())) return path
  throw new UsageError('not the name of a picture', 'a name that ends in .png or .svg')
}

function filled(path: string): string {
  if (path === '') throw new UsageError('missing file name')
  return path
}
