import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import { CONFIG, INTERFACES, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { atMostOne, duration } from '../../cli/value.ts'
import { CMD_TIMEOUT_MAX_MS, DOOR_NAME_MAX_CHARS } from '../../config/config.ts'
import { readNetworks } from '../../config/networks.ts'
import { parseSequence } from '../../config/sequence.ts'
import type { Network } from '../../packet/network.ts'
import type { Reader } from '../../text/read.ts'
import { allowedPorts } from '../firewall/allowed.ts'
import { TRIAL_MAX_MS, TRIAL_MIN_MS } from '../firewall/base/arguments.ts'

/** The shortest time that a door is open in milliseconds: a client has to connect in it. */
const OPEN_MIN_MS = 1_000
/** The kinds of secrets that set-up offers. */
export const SECRETS = ['sequence', 'totp', 'spa'] as const
/** The word for no networks at all. */
export const NONE = 'none'

const OPTIONS = {
  config: { ...CONFIG, help: 'the config to write' },
  interface: {
    ...INTERFACES,
    help: 'listen on this interface; default: that of your ssh session, or of the default route',
  },
  hide: {
    value: 'PORTS',
    many: true,
    read: allowedPorts,
    help: 'hide these ports; default: that of your ssh session, or tcp/22',
  },
  secret: {
    value: 'KIND',
    kind: SECRETS,
    help: 'sequence: ports in an order; totp: such a sequence and the code of an app; spa: one encrypted packet. Default: sequence',
  },
  sequence: {
    value: 'PORTS',
    read: (text: string) => readOr(parseSequence, text),
    help: 'a sequence of your own; default: drawn at random',
  },
  'user-key': { value: 'LINE', help: 'with spa: the line that `postern keygen user` printed on your client' },
  'always-allow': {
    value: 'NETWORKS',
    many: true,
    read: networks,
    help: 'let these in without a knock, or `none`; default: the address of your ssh session',
  },
  'open-for': {
    value: 'TIME',
    read: duration(OPEN_MIN_MS, CMD_TIMEOUT_MAX_MS),
    help: 'how long a knock opens; default: 30s',
  },
  door: { value: 'NAME', kind: 'door', read: doorName, help: 'name of the door; default: ssh' },
  host: { value: 'NAME', read: hostName, help: 'name of this machine for the client; default: its address' },
  yes: { short: 'y', help: 'ask nothing, and take what is proposed' },
  'confirm-within': {
    value: 'TIME',
    default: '2m',
    read: duration(TRIAL_MIN_MS, TRIAL_MAX_MS),
    help: 'length of the trial',
  },
  'no-wait': { help: 'end as soon as the trial has begun' },
  replace: { help: 'replace another config, which is kept beside it' },
  'dry-run': { help: 'show what would change, and change nothing' },
  json: JSON_OUTPUT,
} as const satisfies Options

/** The arguments of `postern setup`. */
export type SetupArguments = Values<typeof OPTIONS> & { readonly act: 'set up' | 'confirm' | 'cancel' }

/** `postern setup` */
export const SETUP = command({
  name: 'postern setup',
  summary: 'set everything up, step by step, on trial until you confirm',
  forms: ['[OPTION]...', 'confirm|cancel [-c FILE] [--json]'],
  about: `Sets this machine up to hide its ssh: asks what it cannot know, writes the
config, tries it on a copy of the firewall, starts knockd, and shows what to
type on the client. It is on trial: unless you log in over a new connection and
confirm, all is taken back by itself, even if this terminal is lost. Run again
it changes nothing. Needs root.`,
  options: OPTIONS,
  operands: {
    text: '[confirm|cancel]',
    kinds: [['confirm', 'cancel']],
    help: 'keep what is on trial, or take it back now',
  },
  exits: {
    0: 'set up, or nothing to change',
    1: 'not set up, or taken back; --dry-run: something would change',
    78: 'the config cannot be used',
  },
  examples: `  sudo postern setup
  sudo postern setup --yes --hide tcp/22 --always-allow 192.0.2.0/24
  sudo postern setup confirm`,
  read: (values, words): SetupArguments => {
    const word = atMostOne(words, 'setup takes one word', 'confirm or cancel')
    if (word !== undefined && word !== 'confirm' && word !== 'cancel') {
      throw new UsageError(`unknown word ${word}`, 'confirm or cancel')
    }
    if (values.sequence !== undefined && values.secret === 'spa') {
      throw new UsageError('--sequence does not go with --secret spa')
    }
    if (values['user-key'] !== undefined && values.secret !== 'spa') {
      throw new UsageError('--user-key belongs to --secret spa')
    }
    return { ...values, act: word ?? 'set up' }
  },
  run: async () => (await import('./run.ts')).setup,
})

/** Reads networks between commas, or `none`. @throws UsageError */
export function networks(text: string): readonly Network[] {
  return text === NONE ? [] : readOr(readNetworks, text)
}

/** Returns a reader's value. @throws UsageError with its fault */
function readOr<T>(reader: Reader<T>, text: string): T {
  const read = reader(text)
  if ('message' in read) throw new UsageError(read.message, read.hint)
  return read.value
}

/** Checks a host's name or address, which goes into commands: ssh would take one that begins with - as an option. */
function hostName(text: string): string {
  if (/^[^\s\p{C}-][^\s\p{C}]*$/u.test(text)) return text
  throw new UsageError('invalid host', 'a name or an address, as in server.example')
}

/** Checks the name of a door, which is a file name too. @throws UsageError */
function doorName(text: string): string {
  const isName = /^[a-z0-9][\w.-]*$/i.test(text) && text.length <= DOOR_NAME_MAX_CHARS
  if (isName && text.toLowerCase() !== 'options') return text
  throw new UsageError('invalid door name', 'letters, digits and _ . -, as in ssh')
}
