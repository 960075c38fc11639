import { parseArgs } from 'node:util'
import type { Knock } from '../config/config.ts'
import type { Family } from '../packet/address.ts'
import { UsageError } from './fault.ts'
import { parseKnocks, parseVerify, type Services } from './port.ts'
import { parseSecret, SECRET_OPTIONS, type Secret } from './secret.ts'

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
  readonly secret: Secret
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

/** A parsed command line: a request, or help or the version. */
export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'version' }
  | { readonly kind: 'knock'; readonly request: Request }

/** All options. */
export const OPTIONS = {
  udp: { type: 'boolean', short: 'u' },
  delay: { type: 'string', short: 'd' },
  ipv4: { type: 'boolean', short: '4' },
  ipv6: { type: 'boolean', short: '6' },
  verbose: { type: 'boolean', short: 'v' },
  version: { type: 'boolean', short: 'V' },
  help: { type: 'boolean', short: 'h' },
  source: { type: 'string' },
  verify: { type: 'string' },
  retry: { type: 'string' },
  ...SECRET_OPTIONS,
} as const

/** Parses knock's command line. @throws UsageError for the first fault */
export function parseCommand(argv: readonly string[], services: Services): Command {
  const { values, positionals } = parseOptions(argv)
  if (values.help === true) return { kind: 'help' }
  if (values.version === true) return { kind: 'version' }
  const [host, ...ports] = positionals
  if (host === undefined || host === '') throw new UsageError('no host given')
  const secret = parseSecret(values, ports.length)
  if (ports.length === 0 && secret.kind === 'ports') throw new UsageError('no port to knock at given')
  if (values.ipv4 === true && values.ipv6 === true) {
    throw new UsageError('-4 and -6 exclude each other', 'without them both families are knocked')
  }
  if (values.retry !== undefined && values.verify === undefined) {
    throw new UsageError('--retry needs --verify', 'it repeats the knock until that port is open')
  }
  if (values.retry !== undefined && secret.kind === 'code') {
    throw new UsageError(
      '--retry and --code exclude each other',
      'a code can be used only once; --totp-file knocks the next one',
    )
  }
  const retry = secret.kind === 'published' && values.verify !== undefined ? PUBLISHED_RETRY_DEFAULT : 0
  return {
    kind: 'knock',
    request: {
      host,
      knocks: parseKnocks(ports, values.udp === true, services),
      secret,
      family: values.ipv4 === true ? 4 : values.ipv6 === true ? 6 : undefined,
      delayMs: parseNumber('--delay', values.delay ?? '0', DELAY_MAX_MS, 'milliseconds'),
      verbose: values.verbose === true,
      source: values.source,
      verify: values.verify === undefined ? undefined : parseVerify(values.verify, services),
      retry: parseNumber('--retry', values.retry ?? String(retry), RETRY_MAX, 'times'),
    },
  }
}

function parseOptions(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS, strict: true, allowPositionals: true })
  } catch (error) {
    // Only the first sentence is kept. The advice about positional arguments after it does not apply.
    const [sentence = ''] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(sentence.charAt(0).toLowerCase() + sentence.slice(1))
  }
}

function parseNumber(option: string, text: string, max: number, unit: string): number {
  if (/^[0-9]{1,9}$/.test(text) && Number(text) <= max) return Number(text)
  throw new UsageError(`${option}: not a number in range: ${text || '(empty)'}`, `0 to ${max} ${unit}`)
}
