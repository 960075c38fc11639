import { command } from '../cli/command.ts'
import { UsageError } from '../cli/fault.ts'
import { HELP, VERSION_FLAG } from '../cli/option.ts'
import type { Option, Options, Values } from '../cli/option.ts'
import { wholeNumber } from '../cli/value.ts'
import type { Knock } from '../config/config.ts'
import type { Family } from '../packet/address.ts'
import { parseKnocks, parseVerify, type Services } from './port.ts'
import { parseKnockSource, SECRET_OPTIONS, type KnockSource } from './knock-source.ts'
import { servicePort } from './services.ts'

/** The longest pause between two knocks: an hour, in milliseconds. No daemon waits that long. */
export const DELAY_MAX_MS = 3_600_000
/** The most rounds after the first. */
export const RETRY_MAX = 1_000
/**
 * The default number of rounds after the first for a published list. Others may have used its sequence in the meantime.
 */
export const PUBLISHED_RETRY_DEFAULT = 2

/** A validated command line. */
export interface Request {
  readonly host: string
  /** The knocks in order. They may be empty only if there is a secret. */
  readonly knocks: readonly Knock[]
  /** The secret that is knocked after the ports. */
  readonly knockSource: KnockSource
  /** The only family to use, or `undefined` for all that the host has. */
  readonly family: Family | undefined
  readonly delayMs: number
  readonly verbose: boolean
  /** The source address, or the name of an interface. */
  readonly source: string | undefined
  /** The TCP port that must be open afterwards. */
  readonly verify: number | undefined
  /** The most rounds after the first, until the port is open. */
  readonly retry: number
}

/** The options for families of addresses. */
export const FAMILIES = {
  ipv4: { short: '4', help: 'IPv4 only' },
  ipv6: { short: '6', help: 'IPv6 only' },
} as const satisfies Options
/** The option for the port that must be open afterwards. */
export const VERIFY = {
  value: 'tcp/PORT',
  help: 'then connect to PORT: exit code 1 if it is not open',
} as const satisfies Option

/** The options of knock without `--spa`. */
export const OPTIONS = {
  udp: { short: 'u', help: 'every PORT is UDP, whatever its PROTO' },
  delay: {
    short: 'd',
    value: 'MS',
    read: wholeNumber(0, DELAY_MAX_MS, 'milliseconds'),
    help: 'wait this many milliseconds between two knocks',
  },
  ...FAMILIES,
  verbose: { short: 'v', help: 'print each knock as it is sent' },
  version: VERSION_FLAG,
  help: HELP,
  source: {
    heading: '',
    value: 'SOURCE',
    kind: 'interface',
    help: "knock from this address, or this interface's address",
  },
  verify: VERIFY,
  retry: {
    value: 'N',
    read: wholeNumber(0, RETRY_MAX, 'times'),
    help: 'with --verify: knock up to N more times until it is open',
  },
  spa: { help: 'send one encrypted packet instead: knock --spa --help' },
  ...SECRET_OPTIONS,
} as const satisfies Options

/** `knock` without `--spa`. */
export const KNOCK = command({
  name: 'knock',
  forms: [
    '[OPTION]... HOST PORT[:PROTO]...',
    '[OPTION]... --totp-file FILE | --code CODE HOST [PORT[:PROTO]]...',
    '[OPTION]... --from URL|FILE HOST',
    '--spa [postern | fwknop | knockknock] [OPTION]... HOST [PORT]',
  ],
  about: `Knocks at the ports of HOST, in the order given. PORT is a number or a service's
name, PROTO is tcp (default) or udp. PORT:udp/SIZE is a datagram of SIZE bytes,
icmp/SIZE a ping with SIZE bytes.`,
  options: OPTIONS,
  operands: { text: 'HOST PORT[:PROTO]...', kinds: ['host'] },
  notes: `A name with both an IPv4 and an IPv6 address is knocked on both, all of the
sequence on one, then on the other; but with what opens only once, a code or the
next of a list, on the one that the system prefers, as ssh does.

examples:
  knock gate.example.org 5127 8841:udp 2309
  knock gate.example.org 24817 8093:udp/32 icmp/419
  knock -u -d 200 gate.example.org 8284 4721 18592
  knock --verify tcp/22 --retry 2 gate.example.org 5127 8841 2309 &&
    ssh gate.example.org
  knock --code "1234 5678" gate.example.org
  knock --from https://www.example.org/knocks.age --identity ~/.age.key \\
    --verify tcp/22 gate.example.org`,
  exits: { 0: 'done', 1: 'not resolvable, not sent, not open, or a secret that cannot be read' },
  hint: 'see knock --help',
  read: (values, words): Request => requestOf(values, words, servicePort),
  run: async () => (await import('./knock-at.ts')).knockAt,
})

/** Makes a request of a command line. @throws UsageError for the first fault */
export function requestOf(values: Values<typeof OPTIONS>, words: readonly string[], services: Services): Request {
  const [host, ...ports] = words
  if (host === undefined || host === '') throw new UsageError('no host given')
  const knockSource = parseKnockSource(values, ports.length)
  if (ports.length === 0 && knockSource.kind === 'ports') throw new UsageError('no port to knock at given')
  if (values.retry !== undefined && knockSource.kind === 'code') {
    throw new UsageError(
      '--retry and --code exclude each other',
      'a code can be used only once; --totp-file knocks the next one',
    )
  }
  const usual = knockSource.kind === 'published' && values.verify !== undefined ? PUBLISHED_RETRY_DEFAULT : 0
  return {
    host,
    knocks: parseKnocks(ports, values.udp, services),
    knockSource,
    family: familyOf(values, 'without them both families are knocked'),
    delayMs: values.delay ?? 0,
    verbose: values.verbose,
    source: values.source,
    verify: verifiedPort(values, 'it repeats the knock until that port is open', services),
    retry: values.retry ?? usual,
  }
}

/** Returns the only family to use, or `undefined` for all. @throws UsageError if both are given */
export function familyOf({ ipv4, ipv6 }: Values<typeof FAMILIES>, hint?: string): Family | undefined {
  if (ipv4 && ipv6) throw new UsageError('-4 and -6 exclude each other', hint)
  return ipv4 ? 4 : ipv6 ? 6 : undefined
}

/** Returns the port of `--verify`. @throws UsageError if it is not a port, or if only `--retry` is given */
export function verifiedPort(
  { verify, retry }: { readonly verify: string | undefined; readonly retry: number | undefined },
  hint: string,
  services: Services,
): number | undefined {
  if (retry !== undefined && verify === undefined) throw new UsageError('--retry needs --verify', hint)
  return verify === undefined ? undefined : parseVerify(verify, services)
}
