import { UsageError } from '../cli/fault.ts'
import type { Options, Values } from '../cli/option.ts'
import { readCode } from '../totp/ports.ts'
import { isAddress, readListAddress } from './published/list-address.ts'

/** The secret that is knocked in addition to the ports of the command line. */
export type KnockSource =
  | { readonly kind: 'ports' }
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'totp'; readonly file: string }
  | PublishedSecret

/** The next one-time sequence of a published list. */
export interface PublishedSecret {
  readonly kind: 'published'
  readonly from: URL | string
  /** Files of age identities. */
  readonly identities: readonly string[]
  readonly passphraseFile: string | undefined
}

/** The options for secrets. */
export const SECRET_OPTIONS = {
  'totp-file': {
    heading: '',
    value: 'FILE',
    kind: 'file',
    read: named,
    help: 'then knock the current time-based code; FILE has its secret, as postern keygen totp makes it',
  },
  code: { value: 'CODE', read: codeDigits, help: 'then knock this time-based code, from an app' },
  from: {
    heading: '',
    value: 'URL|FILE',
    kind: 'file',
    read: listAddress,
    help: 'knock the next sequence of a list of one-time sequences, encrypted by age or OpenPGP',
  },
  identity: {
    value: 'KEY',
    kind: 'file',
    many: true,
    read: named,
    help: 'a file of age identities that opens the list',
  },
  'passphrase-file': { value: 'FILE', kind: 'file', read: named, help: 'a file with the passphrase that opens it' },
} as const satisfies Options

type SecretValues = Values<typeof SECRET_OPTIONS> & { readonly udp: boolean }

/** Makes the secret of the options for secrets. @throws UsageError if options conflict */
export function parseKnockSource(values: SecretValues, ports: number): KnockSource {
  const { 'totp-file': file, code, from, udp } = values
  const given = (['totp-file', 'code', 'from'] as const).filter((name) => values[name] !== undefined)
  if (given.length > 1) {
    throw new UsageError(`${given.map((name) => `--${name}`).join(' and ')} exclude each other`)
  }
  if (from !== undefined) return parsePublished(from, values, ports)
  for (const name of ['identity', 'passphrase-file'] as const) {
    if ((values[name]?.length ?? 0) > 0)
      throw new UsageError(`--${name} needs --from`, 'it is for reading a published list')
  }
  if (file === undefined && code === undefined) return { kind: 'ports' }
  if (udp && ports === 0) {
    throw new UsageError('-u without a port', 'a code is always knocked over TCP; -u is for ports in front of it')
  }
  return file === undefined ? { kind: 'code', code: code ?? '' } : { kind: 'totp', file }
}

function parsePublished(from: URL | string, values: SecretValues, ports: number): PublishedSecret {
  if (ports > 0) throw new UsageError('--from and ports exclude each other', 'the list says what is knocked')
  if (values.udp) throw new UsageError('--from and -u exclude each other', 'the list says what is UDP')
  return { kind: 'published', from, identities: values.identity, passphraseFile: values['passphrase-file'] }
}

/** Reads a code. The message does not repeat it. */
function codeDigits(text: string): string {
  const digits = readCode(text)
  if (digits !== undefined) return digits
  throw new UsageError('not a code', '6 to 8 digits; where there is a blank in it: --code "1234 5678"')
}

function listAddress(text: string): URL | string {
  if (!isAddress(text)) return named(text)
  const read = readListAddress(text)
  if ('url' in read) return read.url
  throw new UsageError(read.message, read.hint)
}

function named(path: string): string {
  if (path === '') throw new UsageError('no file given')
  return path
}
