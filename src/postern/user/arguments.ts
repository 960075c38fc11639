import { command } from '../../cli/command.ts'
import { NOT_IN_FORCE, UNCHANGED } from '../../cli/exit-code.ts'
import { UsageError } from '../../cli/fault.ts'
import type { CommandGroup } from '../../cli/group.ts'
import { CONFIG, INTERFACES, JSON_OUTPUT } from '../../cli/option.ts'
import type { Option, Options, Values } from '../../cli/option.ts'
import { atMostOne, one } from '../../cli/value.ts'
import { readKeyText } from '../../spa/noise/key-text.ts'
import { CARD_OPTIONS, CODE_OPTIONS } from '../keygen/arguments.ts'

const DOORS = {
  value: 'DOOR',
  kind: 'door',
  many: true,
  help: 'only at this door; default: at all doors with users',
} as const satisfies Option

const COMMON = {
  json: JSON_OUTPUT,
  config: CONFIG,
  interface: { ...INTERFACES, help: 'the interface that the daemon got with -i, if any; default: all daemons' },
} as const satisfies Options

const ADD_OPTIONS = {
  door: { ...DOORS, help: 'the door to open; default: the only one with users' },
  totp: { help: 'by time-based codes of an app (default at doors with Users)' },
  sequence: { help: 'by a sequence of their own, made at random' },
  spa: { help: 'by single packets (default at doors with SPA_Users)' },
  'public-key': {
    within: 'spa',
    value: 'KEY',
    read: publicKey,
    help: 'the key that postern keygen user printed on the client; default: make a key, and show it once',
  },
  option: {
    within: 'spa',
    value: 'OPTION',
    many: true,
    read: option,
    help: 'an option of the line in SPA_Users: packet-source, expires=2027-06-30, open-for=1h',
  },
  ...CODE_OPTIONS,
  issuer: {
    ...CODE_OPTIONS.issuer,
    help: 'name of this machine for the app and the client; default: that of --page, or its own',
  },
  page: {
    value: 'URL',
    read: page,
    help: 'the address of the served page: show a link to it that holds the secret behind a #',
  },
  ...CARD_OPTIONS,
  ...COMMON,
} as const satisfies Options
const CHANGE_OPTIONS = { door: DOORS, ...COMMON } as const satisfies Options

/** The arguments of the commands for users. */
export type AddArguments = Values<typeof ADD_OPTIONS> & { readonly name: string }
export type ChangeArguments = Values<typeof CHANGE_OPTIONS> & { readonly name: string }
export type ListArguments = Values<typeof CHANGE_OPTIONS> & { readonly name: string | undefined }

const NAME = { text: 'NAME', kinds: ['user'], first: true } as const
const LATE = 'changed, but a running knockd has not taken it'

/** `postern user add` */
export const ADD = command({
  name: 'postern user add',
  summary: 'let somebody open a door, and show their secret once',
  about: `Lets somebody open a door: makes a secret, appends a line to the door's file of
users, waits until knockd has taken it, and shows the secret, with QR codes. At
a terminal these come first, one at a time, and the code that the app shows is
compared: nothing is written before that. A file is changed as a whole or not at
all, and read by the daemon's own reader before it is put in place. A door
without a file of users is left as it is; the line that its config needs is
shown.`,
  options: ADD_OPTIONS,
  operands: NAME,
  exits: { 0: 'done', 1: 'nothing changed', [UNCHANGED]: 'the user is there already', [NOT_IN_FORCE]: LATE },
  examples: `  sudo postern user add alice --door ssh
  sudo postern user add alice --page https://gate.example.org/knock.html
  sudo postern user add bob --sequence --door ssh --door web
  sudo postern user add 'carol, laptop' --spa --option packet-source`,
  hint: '',
  read: (values, words): AddArguments => {
    if (values.totp && values.sequence) throw new UsageError('--totp and --sequence exclude each other')
    if (!values.spa && (values['public-key'] !== undefined || values.option.length > 0)) {
      throw new UsageError('--public-key and --option need --spa')
    }
    return { ...values, name: name(words, 'add') }
  },
  run: async () => (await import('./add.ts')).add,
})

/** `postern user remove` */
export const REMOVE = command({
  name: 'postern user remove',
  summary: 'revoke the access of a user, and close what they opened',
  about: `Removes the lines of a user, waits until knockd has taken it, and shows which
access was revoked and what was closed. Established connections stay. Comments
stay too. If other lines of the file are faulty, these are shown and kept.`,
  options: CHANGE_OPTIONS,
  operands: NAME,
  exits: { 0: 'done', 1: 'nothing changed', [UNCHANGED]: 'there is no such user', [NOT_IN_FORCE]: LATE },
  examples: `  sudo postern user remove alice
  sudo postern user remove alice --door web`,
  hint: '',
  read: (values, words): ChangeArguments => ({ ...values, name: name(words, 'remove') }),
  run: async () => (await import('./change.ts')).remove,
})

/** `postern user disable` */
export const DISABLE = command({
  name: 'postern user disable',
  summary: 'revoke the access of a user for a while',
  about: `Revokes the access of a user as remove does, but keeps the lines, behind the
mark \`#disabled\`. They are comments for the daemon.`,
  options: CHANGE_OPTIONS,
  operands: NAME,
  exits: { 0: 'done', 1: 'nothing changed', [UNCHANGED]: 'the user is disabled already', [NOT_IN_FORCE]: LATE },
  hint: '',
  read: (values, words): ChangeArguments => ({ ...values, name: name(words, 'disable') }),
  run: async () => (await import('./change.ts')).disable,
})

/** `postern user enable` */
export const ENABLE = command({
  name: 'postern user enable',
  summary: 'give a disabled user the same access again',
  about: `Gives a disabled user the same access again, with the same secret. Codes and
packets that were used before do not open again.`,
  options: CHANGE_OPTIONS,
  operands: NAME,
  exits: { 0: 'done', 1: 'nothing changed', [UNCHANGED]: 'the user is not disabled', [NOT_IN_FORCE]: LATE },
  hint: '',
  read: (values, words): ChangeArguments => ({ ...values, name: name(words, 'enable') }),
  run: async () => (await import('./change.ts')).enable,
})

/** `postern user list` */
export const LIST = command({
  name: 'postern user list',
  summary: 'show who can open which doors, and what they have open',
  about: `Shows who can open which doors and how, who is disabled, the last use that
knockd's journal knows of (codes and single packets), and what they have open.
No secret is shown.`,
  options: CHANGE_OPTIONS,
  operands: { ...NAME, text: '[NAME]', help: 'show this user alone' },
  exits: { 0: 'done', 1: 'a file is faulty, or cannot be read' },
  hint: '',
  read: (values, words): ListArguments => ({ ...values, name: atMostOne(words, 'list takes one name at most') }),
  run: async () => (await import('./list.ts')).list,
})

/** `postern user` */
export const USER: CommandGroup = {
  name: 'postern user',
  summary: 'add, remove, disable and list those who may open doors',
  commands: [ADD, REMOVE, DISABLE, ENABLE, LIST],
}

function name(words: readonly string[], action: string): string {
  return one(words, `${action} takes one name`, 'as in alice; put a name with blanks in quotes')
}

/** Checks a public key as soon as possible, since a secret one may have been given in its place. */
function publicKey(text: string): string {
  const read = readKeyText(text, 'postern-user')
  if ('message' in read) throw new UsageError(`the key ${read.message}`, read.hint)
  return text
}

/** Reads the address of a page. What comes after a `#` is for the secret. */
function page(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isWeb = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (isWeb && url.username === '' && !text.includes('#')) return url.href
  throw new UsageError('not the address of a page', 'as in https://gate.example.org/knock.html')
}

function option(text: string): string {
  if (/^[a-z-]+(?:=\S.*)?$/.test(text) && !/[\r\n]/.test(text)) return text
  throw new UsageError('not an option', 'as in packet-source, or expires=2027-06-30')
}
