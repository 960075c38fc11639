import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { DONE } from '../../cli/exit-code.ts'
import { CONFIG_DEFAULT } from '../../cli/option.ts'
import type { Output } from '../../cli/output.ts'
import type { Config } from '../../config/config.ts'
import type { TotpSecret } from '../../totp/secret.ts'
import { secretUri, shortUri } from '../../totp/secret-text.ts'
import { settle, unchecked } from '../card/app-check.ts'
import type { Settled } from '../card/app-check.ts'
import { cardText, plainCard } from '../card/card.ts'
import type { Card } from '../card/card.ts'
import { codeDoor } from '../card/code-door.ts'
import { Images } from '../card/images.ts'
import { MACHINE } from '../card/machine.ts'
import type { Machine } from '../card/machine.ts'
import { configOf } from '../config-of.ts'
import { TOTP_FOLDER } from './arguments.ts'
import type { KeygenArguments } from './arguments.ts'
import { codeSecret } from './code-secret.ts'
import { createKeyFile, makeFolder, refuseTaken } from './key-file.ts'
import { ownerForDaemon } from './owner.ts'

/** The machine, as `postern keygen totp` needs it. */
export interface Surroundings extends Pick<Machine, 'random' | 'hostname' | 'terminal' | 'listening' | 'viewer'> {
  /** The folder of the doors' secrets. */
  readonly folder: string
  /** Returns the config of this machine; `undefined`: it cannot be read. */
  readonly config: () => Config | undefined
}

const HERE: Surroundings = {
  ...MACHINE,
  folder: TOTP_FOLDER,
  config: () => {
    try {
      return configOf(CONFIG_DEFAULT)
    } catch {
      return undefined
    }
  },
}

/**
 * Runs `postern keygen totp DOOR`: makes a secret, has somebody at a terminal compare it with the app, writes it to a
 * file, and prints how to use it.
 *
 * @returns the exit code
 * @throws Failure if a file cannot be written, or the app shows other codes; there is no new file then
 */
export async function totp(asked: KeygenArguments, output: Output, here: Surroundings = HERE): Promise<number> {
  const { door, user } = asked
  const host = asked.issuer ?? here.hostname()
  const cardOf = (secret: TotpSecret): Card => {
    const uri = secretUri(secret, host, user === undefined ? door : `${user}@${door}`)
    const heading = 'for an authenticator app, and a secret like the file'
    return { name: 'app', heading, lines: [uri], code: shortUri(uri) }
  }
  const file = fileFor(asked, here.folder)
  if (file !== undefined && (asked.file !== undefined || existsSync(here.folder))) refuseTaken(file)
  const images = new Images(asked.image)
  const viewer = here.viewer()
  try {
    const made = codeSecret(asked, here.random)
    await images.write([cardOf(made)])
    const { secret, text } = viewer === undefined ? unchecked(made) : await look(made, cardOf(made))
    const card = cardOf(secret)
    if (secret !== made) await images.write([card])
    const line = lineCard(asked, card)
    if (viewer !== undefined && user !== undefined) await viewer.show(line)
    if (file !== undefined) await write(file, asked, card, here)
    viewer?.close()
    const written = file === undefined ? '' : `the secret is in ${file}\n\n`
    const forConfig = user === undefined ? `for the config, below [${door}]:\n\n    TOTP_Secret_File = ${file}\n\n` : ''
    const shown = { qr: !asked['no-qr'], terminal: here.terminal }
    const secrets =
      viewer === undefined
        ? `${user === undefined ? '' : await cardText(line, shown)}${await cardText(card, shown)}`
        : ''
    output.out(`${written}${forConfig}${secrets}${images.text()}${text}`)
    return DONE
  } catch (error) {
    images.discard()
    throw error
  } finally {
    viewer?.close()
  }

  async function look(secret: TotpSecret, card: Card): Promise<Settled> {
    const check = {
      secret,
      card: asked['no-qr'] ? plainCard(card) : card,
      notes: images.notes(card),
      isChecked: !asked['no-check'],
      door: codeDoor(door, here.config(), here.listening),
    }
    return await settle(check, viewer!)
  }
}

function lineCard({ door, user }: KeygenArguments, { lines: [uri] }: Card): Card {
  const heading = `for the file of users of the door [${door}]`
  return { name: 'line', heading, lines: [`${user} ${uri}`] }
}

/** Returns the file for the secret. A user's secret has no default file: its line is for the file of users. */
function fileFor({ door, user, file }: KeygenArguments, folder: string): string | undefined {
  if (file !== undefined) return resolve(file)
  return user === undefined ? join(folder, door) : undefined
}

async function write(file: string, asked: KeygenArguments, { lines }: Card, { folder }: Surroundings): Promise<void> {
  const owner = ownerForDaemon()
  if (asked.file === undefined) await makeFolder(folder, owner)
  await createKeyFile(file, `${headingOf(asked)}${lines.join('\n')}\n`, owner)
}

function headingOf({ door, user }: KeygenArguments): string {
  const whose = user === undefined ? '' : `, of ${user}`
  return `# Secret of time-based codes for the door [${door}]${whose}, for knockd and knock --totp-file.\n`
}
