import { command } from '../../cli/command.ts'
import { UsageError } from '../../cli/fault.ts'
import type { CommandGroup } from '../../cli/group.ts'
import { CONFIG, JSON_OUTPUT } from '../../cli/option.ts'
import type { Options, Values } from '../../cli/option.ts'
import { atMostOne, duration, one } from '../../cli/value.ts'
import { readFleetName } from '../../config/value.ts'
import { networks } from '../setup/arguments.ts'
import { PUSH } from './push/arguments.ts'

/** The longest and the shortest time for which an invitation is valid, in milliseconds. */
export const INVITATION_MAX_MS = 600_000
const INVITATION_MIN_MS = 5_000

const FOLDER = {
  value: 'DIR',
  kind: 'folder',
  help: "the operator's folder; default: ~/.config/postern/fleet/NAME",
} as const
const EITHER_FOLDER = {
  ...FOLDER,
  help: "the operator's folder, or a host's; default: ~/.config/postern/fleet/NAME, or /etc/postern/fleet",
} as const

const INIT_OPTIONS = {
  etcd: { value: 'URLS', help: 'the nodes of etcd, as in https://10.0.0.1:2379,https://10.0.0.2:2379' },
  from: {
    value: 'NETWORKS',
    read: networks,
    help: 'networks of the hosts and operators, for the firewall lines of the nodes',
  },
  'own-certificates': {
    value: 'CA,CERT,KEY',
    read: ownCertificates,
    help: 'files of an existing authority: its certificate, and a client certificate with its key; default: make an authority',
  },
  operator: { value: 'NAME', read: name, help: 'the name of the operator; default: the name of this user' },
  'no-passphrase': { help: "do not encrypt the operator's key" },
  folder: FOLDER,
} as const satisfies Options
const INVITE_OPTIONS = {
  groups: {
    value: 'NAMES',
    read: groups,
    help: 'groups of the host, between commas; default: none, with --replace those that it has',
  },
  for: {
    value: 'TIME',
    default: '10m',
    read: duration(INVITATION_MIN_MS, INVITATION_MAX_MS),
    help: 'time for which the token is valid',
  },
  replace: { help: 'a new key for a host that is in the fleet already' },
  folder: FOLDER,
} as const satisfies Options
const JOIN_OPTIONS = {
  cert: { value: 'FILE', kind: 'file', help: 'the certificate of this host, if the fleet has its own authority' },
  key: { within: 'cert', value: 'FILE', kind: 'file', help: 'the key of that certificate' },
  folder: { value: 'DIR', kind: 'folder', default: '/etc/postern/fleet', help: 'where the files go' },
  config: CONFIG,
} as const satisfies Options
const HOSTS_OPTIONS = { json: JSON_OUTPUT, folder: EITHER_FOLDER } as const satisfies Options
const STATUS_OPTIONS = {
  json: JSON_OUTPUT,
  quiet: { short: 'q', help: 'print nothing, for the exit status' },
  folder: EITHER_FOLDER,
} as const satisfies Options
const REMOVE_OPTIONS = {
  yes: { short: 'y', help: 'do not ask' },
  folder: FOLDER,
} as const satisfies Options

/** The arguments of the commands for fleets. */
export type InitArguments = Values<typeof INIT_OPTIONS> & { readonly name: string }
export type InviteArguments = Values<typeof INVITE_OPTIONS> & { readonly host: string }
export type JoinArguments = Values<typeof JOIN_OPTIONS> & {
  /** `-`: it is on standard input; `undefined`: it is asked for. */
  readonly token: string | undefined
}
export type HostsArguments = Values<typeof HOSTS_OPTIONS>
export type StatusArguments = Values<typeof STATUS_OPTIONS>
export type RemoveArguments = Values<typeof REMOVE_OPTIONS> & { readonly host: string }

/** `postern fleet init` */
export const INIT = command({
  name: 'postern fleet init',
  summary: "make an operator's key, certificates and the settings of etcd",
  about: `Makes what a fleet needs, in a folder of the operator: a key that signs the
lists of hosts and users, the fleet's key, an authority with certificates for
the nodes of etcd and for the operator (by openssl), and for each node a folder
with its settings, each with the reason. Run again once etcd answers, it signs
the first list of hosts. An existing file is never overwritten.`,
  options: INIT_OPTIONS,
  operands: { text: 'NAME', first: true },
  exits: { 0: 'done', 1: 'not done, or etcd does not answer and nothing new was made' },
  examples: `  postern fleet init home \\
    --etcd https://10.0.0.1:2379,https://10.0.0.2:2379,https://10.0.0.3:2379`,
  hint: '',
  read: (values, words): InitArguments => ({ ...values, name: named(words, 'init takes the name of the fleet') }),
  run: async () => (await import('./init/init.ts')).init,
})

/** `postern fleet invite` */
export const INVITE = command({
  name: 'postern fleet invite',
  summary: 'let a host join, once, within ten minutes',
  about: `Prints the line that a new host has to run, waits until it has joined, and signs
the list of hosts with it. Keep the token secret: the first to use it joins.`,
  options: INVITE_OPTIONS,
  operands: { text: 'HOST', kinds: ['host'], first: true },
  exits: { 0: 'the host has joined', 1: 'it has not' },
  examples: '  postern fleet invite web1 --groups web,eu',
  hint: '',
  read: (values, words): InviteArguments => ({ ...values, host: named(words, 'invite takes the name of the host') }),
  run: async () => (await import('./join/invite.ts')).invite,
})

/** `postern fleet join` */
export const JOIN = command({
  name: 'postern fleet join',
  summary: 'join a fleet with the token of an operator',
  about: `Makes this host's keys, which never leave it, asks the operator who made the
token to accept them, and writes fleet.conf, the certificate and the keys: all
of them or none. It prints the lines to add to knockd.conf. Without TOKEN it
asks for it, and - reads it from standard input: as a word of the command line,
every user of this machine can see it.`,
  options: JOIN_OPTIONS,
  operands: { text: '[TOKEN|-]', first: true },
  exits: { 0: 'this host has joined', 1: 'it has not, nothing was written' },
  examples: '  sudo postern fleet join',
  hint: '',
  read: (values, words): JoinArguments => {
    if ((values.cert === undefined) !== (values.key === undefined)) {
      throw new UsageError('--cert and --key belong together')
    }
    return {
      ...values,
      token: atMostOne(words, 'join takes one token', 'an operator makes it: postern fleet invite HOST'),
    }
  },
  run: async () => (await import('./join/join.ts')).join,
})

/** `postern fleet hosts` */
export const HOSTS = command({
  name: 'postern fleet hosts',
  summary: 'list the hosts, with the lists that they have in force',
  about: `Lists the hosts of the fleet: groups, last sign of life, version of Postern,
versions of the lists of hosts and users in force, difference of the clock, and
number of doors with Scope = fleet.`,
  options: HOSTS_OPTIONS,
  exits: { 0: 'listed', 1: 'etcd cannot be asked' },
  hint: '',
  read: (values): HostsArguments => values,
  run: async () => (await import('./hosts/hosts.ts')).hosts,
})

/** `postern fleet status` */
export const FLEET_STATUS = command({
  name: 'postern fleet status',
  summary: 'show the state of etcd and of the hosts',
  about: `Shows the members of etcd, the leader, version, size against the quota and time
to answer of each, alarms, the clocks of the hosts, and hosts that are behind.`,
  options: STATUS_OPTIONS,
  exits: { 0: 'all is well', 1: 'something is wrong' },
  hint: '',
  read: (values): StatusArguments => values,
  run: async () => (await import('./hosts/status.ts')).fleetStatus,
})

/** `postern fleet remove` */
export const REMOVE_HOST = command({
  name: 'postern fleet remove',
  summary: 'remove a host: its key stops working immediately',
  about: `Signs the list of hosts without a host, waits until the other hosts have it in
force, and shows what the removed host still knows.`,
  options: REMOVE_OPTIONS,
  operands: { text: 'HOST', kinds: ['host'], first: true },
  exits: { 0: 'removed', 1: 'not removed, or not all hosts have the new list' },
  hint: '',
  read: (values, words): RemoveArguments => ({ ...values, host: named(words, 'remove takes the name of a host') }),
  run: async () => (await import('./hosts/remove.ts')).remove,
})

/** `postern fleet` */
export const FLEET: CommandGroup = {
  name: 'postern fleet',
  summary: 'set up and look after hosts that share doors, users and used secrets',
  commands: [INIT, INVITE, JOIN, HOSTS, FLEET_STATUS, PUSH, REMOVE_HOST],
}

/** Reads a name of a fleet, host, group or operator. @throws UsageError */
function name(text: string): string {
  const read = readFleetName(text)
  if ('value' in read) return read.value
  throw new UsageError(read.message, read.hint)
}

function named(words: readonly string[], message: string): string {
  return name(one(words, message, 'as in web1'))
}

function groups(text: string): readonly string[] {
  return text === '' ? [] : [...new Set(text.split(',').map((word) => name(word.trim())))]
}

function ownCertificates(text: string): { readonly ca: string; readonly cert: string; readonly key: string } {
  const [ca = '', cert = '', key = '', ...more] = text.split(',').map((word) => word.trim())
  if (ca !== '' && cert !== '' && key !== '' && more.length === 0) return { ca, cert, key }
  throw new UsageError('three files between commas', 'as in ca.crt,operator.crt,operator.key')
}
