import { randomBytes } from 'node:crypto'
import { existsSync, rmSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { Failure } from '../../cli/fault.ts'
import { readSecretFile, readTrustedFile } from '../../client/spa/secret-file.ts'
import { SPA_KEY_FILE_DEFAULT } from '../../config/config.ts'
import { KEY_BYTES, keyPairOf } from '../../spa/noise/curve.ts'
import { formatKey, readKeyFile } from '../../spa/noise/key-text.ts'
import { readUsers } from '../../spa/noise/users.ts'
import { readSecret, secretUri } from '../../totp/secret-text.ts'
import { TOTP_FOLDER } from '../keygen/arguments.ts'
import { createKeyFile, makeFolder } from '../keygen/key-file.ts'
import type { Plan, SecretKind } from './choices.ts'
import { giveSecret } from './user.ts'

/** The file of the users of single packets. */
const USERS_FILE = '/etc/postern/users.spa'
/** The length of a code's key in bytes (RFC 4226, 4, R6). */
const CODE_KEY_BYTES = 20
/** The codes that every app makes. A sequence comes before them, so that nobody can guess at them. */
const CODE = { algorithm: 'SHA1', digits: 6, periodS: 30 } as const

/** The secrets of a plan, as the client needs them. */
export interface Secrets {
  /** The files that were made now. */
  readonly made: readonly string[]
  /** The URI of the code's secret, for an app. */
  readonly uri?: string
  /** The server's public key, for single packets. */
  readonly serverKey?: string
  /** The user's secret key, if it was made here. It is in no file of this machine. */
  readonly userSecret?: string
}

/** Returns the file that a kind of secret needs, apart from the server's key. */
export function secretFileOf(secret: SecretKind, door: string): string | undefined {
  if (secret === 'sequence') return undefined
  return secret === 'totp' ? join(TOTP_FOLDER, door) : USERS_FILE
}

/** Returns true if the files of a plan's secrets exist. */
export function hasSecrets({ secret, path }: Plan): boolean {
  const files = [...(path === undefined ? [] : [path]), ...(secret === 'spa' ? [SPA_KEY_FILE_DEFAULT] : [])]
  return files.every((each) => existsSync(each))
}

/**
 * Makes the secrets that a plan needs and that do not exist yet. Existing files are read and never changed.
 *
 * @param userLine the line of `postern keygen user`; `undefined`: the user's key is made here
 * @throws Failure if a file cannot be used or written; what was made until then is removed
 */
export async function makeSecrets(plan: Plan, userLine: string | undefined): Promise<Secrets> {
  const made: string[] = []
  const create = async (path: string, text: string): Promise<void> => {
    await makeFolder(dirname(path))
    await createKeyFile(path, text)
    made.push(path)
    giveSecret(path, plan)
  }
  try {
    if (plan.secret === 'totp') return { made, uri: await codeUri(plan, create) }
    if (plan.secret === 'spa') return { made, ...(await packetKeys(plan, userLine, create)) }
    return { made }
  } catch (error) {
    removeSecrets(made)
    throw error
  }
}

/** Removes the files of secrets that {@link makeSecrets} made. */
export function removeSecrets(made: readonly string[]): void {
  for (const path of made) rmSync(path, { force: true })
}

type Create = (path: string, text: string) => Promise<void>

async function codeUri({ door, path = '' }: Plan, create: Create): Promise<string> {
  const text = readSecretFile(path)
  if (text === undefined) {
    const uri = secretUri({ key: randomBytes(CODE_KEY_BYTES), ...CODE }, hostname(), door)
    await create(
      path,
      `# Secret of time-based codes for the door [${door}], for knockd and knock --totp-file.\n${uri}\n`,
    )
    return uri
  }
  const read = readSecret(text)
  if ('message' in read) throw new Failure(`${path}: ${read.message}`, read.hint)
  return secretUri(read.value, hostname(), door)
}

async function packetKeys(
  { path = '' }: Plan,
  userLine: string | undefined,
  create: Create,
): Promise<Omit<Secrets, 'made'>> {
  const serverKey = formatKey('postern-server', keyPairOf(await serverSecret(create)).publicKey)
  const users = readTrustedFile(path)
  if (users !== undefined) {
    const key = userLine?.split(' ', 1)[0]
    if (key === undefined || users.includes(key)) return { serverKey }
    throw new Failure(`${path} has other users`, 'add a line to it, and reload knockd')
  }
  if (userLine !== undefined) {
    await create(path, `${userLine}\n`)
    return { serverKey }
  }
  const secret = randomBytes(KEY_BYTES)
  await create(path, `${formatKey('postern-user', keyPairOf(secret).publicKey)} made by postern setup\n`)
  return { serverKey, userSecret: formatKey('postern-user-secret', secret) }
}

async function serverSecret(create: Create): Promise<Uint8Array> {
  const path = SPA_KEY_FILE_DEFAULT
  if (!existsSync(path)) {
    const secret = randomBytes(KEY_BYTES)
    const text = formatKey('postern-server-secret', secret)
    await create(path, `# Secret key of this server for single packets (postern setup).\n${text}\n`)
    return secret
  }
  const read = readKeyFile(readSecretFile(path) ?? '', 'postern-server-secret')
  if ('message' in read) throw new Failure(`${path}: ${read.message}`, read.hint)
  return read.value
}

/** Returns the fault of a line that `postern keygen user` printed; `undefined`: it can be used. */
export function faultOfUser(
  line: string,
): { readonly message: string; readonly hint?: string | undefined } | undefined {
  const { users, faults } = readUsers(line)
  if (faults[0] !== undefined) return faults[0]
  return users.count === 1 ? undefined : { message: 'not one line of a key', hint: 'postern keygen user prints it' }
}
