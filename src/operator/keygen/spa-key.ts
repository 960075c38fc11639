import { randomBytes } from 'node:crypto'
import { hostname, userInfo } from 'node:os'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { ClientError } from '../../client/fault.ts'
import { readSecretFile } from '../../client/spa/secret-file.ts'
import { KEY_BYTES, keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey, readKeyFile } from '../../spa/noise/key-text.ts'
import type { KeyKind } from '../../spa/noise/key-text.ts'
import { USABLE, USAGE, WARNED } from '../check.ts'
import type { Output } from '../check.ts'
import { UsageError } from './arguments.ts'
import { createKeyFile, KeyFileError, makeFolder } from './key-file.ts'
import { drawQr } from './qr-code.ts'

/** The random source of keys, and the names that they get. */
export interface SpaSurroundings {
  readonly random: (bytes: number) => Uint8Array
  readonly hostname: () => string
  readonly username: () => string
}

const HERE: SpaSurroundings = { random: randomBytes, hostname, username: () => userInfo().username }

/** One of the two kinds of keys, with its file format and file. */
export interface SpaKey {
  readonly kind: 'server' | 'user'
  /** The first line of the file, a comment. */
  readonly heading: string
  /** Returns the default path of the key file. */
  readonly file: () => string
}

/** The arguments of `postern keygen server` and `postern keygen user`. */
export interface SpaKeyArguments {
  readonly file: string | undefined
  readonly show: boolean
  /** True if the public key is printed as a QR code as well. */
  readonly qr: boolean
  readonly words: readonly string[]
}

/**
 * Runs `postern keygen server` or `postern keygen user`. The function `tell` makes the output from the text of the
 * public key and the path of the file.
 *
 * @returns the exit code
 */
export async function spaKey(
  key: SpaKey,
  { args, help, output, here = HERE }: SpaKeyRun,
  tell: (publicText: string, file: string, words: readonly string[], here: SpaSurroundings) => string,
): Promise<number> {
  try {
    const asked = readSpaKeyArguments(args)
    if (asked === undefined) {
      output.out(help)
      return USABLE
    }
    const file = asked.file === undefined ? key.file() : resolve(asked.file)
    // This call reports faults of the words before anything is written.
    tell('', file, asked.words, here)
    const secret = asked.show ? readSecret(key, file) : await makeSecret(key, file, asked, here)
    const publicText = formatKey(`postern-${key.kind}`, keyPairOf(secret).publicKey)
    output.out(tell(publicText, file, asked.words, here))
    if (asked.qr) output.out(`\n${await drawQr(publicText, process.stdout.isTTY)}`)
    return USABLE
  } catch (error) {
    const known = error instanceof UsageError || error instanceof KeyFileError || error instanceof ClientError
    if (!known) throw error
    const hint = error instanceof ClientError && error.hint !== undefined ? `\n  ${error.hint}` : ''
    output.err(`postern: ${error.message}${hint}\n`)
    return error instanceof UsageError ? USAGE : WARNED
  }
}

/** One run of `postern keygen server` or `postern keygen user`. */
export interface SpaKeyRun {
  readonly args: readonly string[]
  readonly help: string
  readonly output: Output
  readonly here?: SpaSurroundings
}

function readSpaKeyArguments(args: readonly string[]): SpaKeyArguments | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        file: { type: 'string' },
        show: { type: 'boolean' },
        qr: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
      allowPositionals: true,
      strict: true,
    })
    if (values.help === true) return undefined
    if (values.file === '') throw new UsageError('--file: missing file name')
    return { file: values.file, show: values.show === true, qr: values.qr === true, words: positionals }
  } catch (error) {
    if (error instanceof UsageError) throw error
    const [message = ''] = (error as Error).message.split('. ')
    throw new UsageError(message.charAt(0).toLowerCase() + message.slice(1), { cause: error })
  }
}

function secretKind({ kind }: SpaKey): KeyKind {
  return `postern-${kind}-secret`
}

function readSecret(key: SpaKey, file: string): Uint8Array {
  const text = readSecretFile(file)
  if (text === undefined) throw new KeyFileError(`${file}: no such file\n  to make a key, leave out --show`)
  const read = readKeyFile(text, secretKind(key))
  if ('value' in read) return read.value
  throw new KeyFileError(`${file}: ${read.message}\n  ${read.hint}`)
}

async function makeSecret(
  key: SpaKey,
  file: string,
  asked: SpaKeyArguments,
  here: SpaSurroundings,
): Promise<Uint8Array> {
  const secret = here.random(KEY_BYTES)
  if (asked.file === undefined) await makeFolder(dirname(file))
  await createKeyFile(file, `${key.heading}\n${formatKey(secretKind(key), secret)}\n`)
  return secret
}
