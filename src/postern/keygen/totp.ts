import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { DONE } from '../../cli/exit-code.ts'
import type { Output } from '../../cli/output.ts'
import { secretUri } from '../../totp/secret-text.ts'
import { TOTP_FOLDER } from './arguments.ts'
import type { KeygenArguments } from './arguments.ts'
import { appWarning, codeSecret } from './code-secret.ts'
import { createKeyFile, makeFolder } from './key-file.ts'
import { ownerForDaemon } from './owner.ts'
import { drawQr } from './qr-code.ts'

/** The random source, the folder and the terminal of `postern keygen totp`. */
export interface Surroundings {
  readonly random: (bytes: number) => Uint8Array
  readonly hostname: () => string
  /** The folder of the doors' secrets. */
  readonly folder: string
  /** True if standard output is a terminal. */
  readonly terminal: boolean
}

const HERE: Surroundings = {
  random: randomBytes,
  hostname,
  folder: TOTP_FOLDER,
  terminal: process.stdout.isTTY,
}

/**
 * Runs `postern keygen totp DOOR`: makes a secret, writes it to a file, and prints how to use it.
 *
 * @returns the exit code
 */
export async function totp(asked: KeygenArguments, output: Output, here: Surroundings = HERE): Promise<number> {
  output.out(await make(asked, here))
  return DONE
}

async function make(asked: KeygenArguments, here: Surroundings): Promise<string> {
  const { door, user } = asked
  const secret = codeSecret(asked, here.random)
  const uri = secretUri(secret, asked.issuer ?? here.hostname(), user === undefined ? door : `${user}@${door}`)
  const picture = asked['no-qr'] ? '' : `${await drawQr(uri, here.terminal)}\n`
  const file = asked.file === undefined ? ownFile(asked, here.folder) : resolve(asked.file)
  if (file !== undefined) {
    const owner = ownerForDaemon()
    if (asked.file === undefined) await makeFolder(here.folder, owner)
    await createKeyFile(file, `${headingOf(door, user)}${uri}\n`, owner)
  }
  return `${whereTo(asked, file, uri)}for an authenticator app, and a secret like the file:

    ${uri}

${picture}${appWarning(secret)}`
}

/** Returns the default file of a door's secret. A user's secret has none: its line is for the file of users. */
function ownFile({ door, user }: KeygenArguments, folder: string): string | undefined {
  return user === undefined ? join(folder, door) : undefined
}

function headingOf(door: string, user: string | undefined): string {
  const whose = user === undefined ? '' : `, of ${user}`
  return `# Secret of time-based codes for the door [${door}]${whose}, for knockd and knock --totp-file.\n`
}

function whereTo({ door, user }: KeygenArguments, file: string | undefined, uri: string): string {
  const written = file === undefined ? '' : `the secret is in ${file}\n\n`
  if (user !== undefined) return `${written}for the file of users of the door [${door}]:\n\n    ${user} ${uri}\n\n`
  return `${written}for the config, below [${door}]:\n\n    TOTP_Secret_File = ${file}\n\n`
}
