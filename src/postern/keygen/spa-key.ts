import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { dirname, resolve } from 'node:path'
import { DONE } from '../../cli/exit-code.ts'
import { Failure } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { readSecretFile } from '../../client/spa/secret-file.ts'
import { HERE as MACHINE } from '../../file/platform.ts'
import { KEY_BYTES, keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey, readKeyFile } from '../../spa/noise/key-text.ts'
import type { KeyKind } from '../../spa/noise/key-text.ts'
import type { SpaKeyArguments } from './arguments.ts'
import { createKeyFile, makeFolder } from './key-file.ts'
import { ownerForDaemon } from './owner.ts'
import { drawQr } from '../card/qr-code.ts'

/** The random source of keys, and the names that they get. */
export interface SpaSurroundings {
  readonly random: (bytes: number) => Uint8Array
  readonly hostname: () => string
  readonly username: () => string
}

/** This machine. */
export const HERE: SpaSurroundings = { random: randomBytes, hostname, username: () => MACHINE.username }

/** One of the two kinds of keys, with its file format and file. */
export interface SpaKey {
  readonly kind: 'server' | 'user'
  /** The first line of the file, a comment. */
  readonly heading: string
  /** Returns the default path of the key file. */
  readonly file: () => string
}

/**
 * Runs `postern keygen server` or `postern keygen user`. The function `tell` makes the output from the text of the
 * public key and the path of the file.
 *
 * @returns the exit code
 * @throws Failure if the file cannot be read or written
 */
export async function spaKey(
  key: SpaKey,
  asked: SpaKeyArguments,
  output: Output,
  here: SpaSurroundings = HERE,
  tell: (publicText: string, file: string, here: SpaSurroundings) => string,
): Promise<number> {
  const file = asked.file === undefined ? key.file() : resolve(asked.file)
  const secret = asked.show ? readSecret(key, file) : await makeSecret(key, file, asked, here)
  const publicText = formatKey(`postern-${key.kind}`, keyPairOf(secret).publicKey)
  output.out(tell(publicText, file, here))
  if (asked.qr) output.out(`\n${await drawQr(publicText, process.stdout.isTTY)}`)
  return DONE
}

function secretKind({ kind }: SpaKey): KeyKind {
  return `postern-${kind}-secret`
}

function readSecret(key: SpaKey, file: string): Uint8Array {
  const text = readSecretFile(file)
  if (text === undefined) throw new Failure(`${file}: no such file`, 'to make a key, leave out --show')
  const read = readKeyFile(text, secretKind(key))
  if ('value' in read) return read.value
  throw new Failure(`${file}: ${read.message}`, read.hint)
}

async function makeSecret(
  key: SpaKey,
  file: string,
  asked: SpaKeyArguments,
  here: SpaSurroundings,
): Promise<Uint8Array> {
  const secret = here.random(KEY_BYTES)
  const owner = key.kind === 'server' ? ownerForDaemon() : undefined
  if (asked.file === undefined) await makeFolder(dirname(file), owner)
  await createKeyFile(file, `${key.heading}\n${formatKey(secretKind(key), secret)}\n`, owner)
  return secret
}
