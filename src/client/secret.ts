import { readCode } from '../totp/ports.ts'
import { UsageError } from './fault.ts'
import { isAddress, readListAddress } from './published/list-address.ts'

/** The secret that is knocked in addition to the ports of the command line. */
export type Secret =
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
  'totp-file': { type: 'string' },
  code: { type: 'string' },
  from: { type: 'string' },
  identity: { type: 'string', multiple: true },
  'passphrase-file': { type: 'string' },
} as const

/** The values of these options and of related ones. */
export interface SecretValues {
  readonly 'totp-file'?: string
  readonly code?: string
  readonly from?: string
  readonly identity?: readonly string[]
  readonly 'passphrase-file'?: string
  readonly udp?: boolean
}

/** Parses the options for secrets. Messages never repeat a code. @throws UsageError if options conflict */
export function parseSecret(values: SecretValues, ports: number): Secret {
  const { 'totp-file': file, code, from, udp } = values
  const given = (['totp-file', 'code', 'from'] as const).filter((name) => values[name] !== undefined)
  if (given.length > 1) {
    throw new UsageError(`${given.map((name) => `--${name}`).join(' and ')} exclude each other`)
  }
  if (from !== undefined) return parsePublished(from, values, ports)
  for (const name of ['identity', 'passphrase-file'] as const) {
    if (values[name] !== undefined) throw new UsageError(`--${name} needs --from`, 'it is for reading a published list')
  }
  if (file === undefined && code === undefined) return { kind: 'ports' }
  if (udp === true && ports === 0) {
    throw new UsageError('-u without a port', 'a code is always knocked over TCP; -u is for ports in front of it')
  }
  if (file !== undefined) return { kind: 'totp', file: named('--totp-file', file) }
  const digits = readCode(code ?? '')
  if (digits !== undefined) return { kind: 'code', code: digits }
  throw new UsageError('--code: not a code', '6 to 8 digits; where there is a blank in it: --code "1234 5678"')
}

function parsePublished(from: string, values: SecretValues, ports: number): PublishedSecret {
  if (ports > 0) throw new UsageError('--from and ports exclude each other', 'the list says what is knocked')
  if (values.udp === true) throw new UsageError('--from and -u exclude each other', 'the list says what is UDP')
  const passphraseFile = values['passphrase-file']
  return {
    kind: 'published',
    from: isAddress(from) ? parseAddress(from) : named('--from', from),
    identities: (values.identity ?? []).map((path) => named('--identity', path)),
    passphraseFile: passphraseFile === undefined ? undefined : named('--passphrase-file', passphraseFile),
  }
}

function parseAddress(text: string): URL {
  const read = readListAddress(text)
  if ('url' in read) return read.url
  throw new UsageError(`--from: ${read.message}`, read.hint)
}

function named(option: string, path: string): string {
  if (path === '') throw new UsageError(`${option}: no file given`)
  return path
}
