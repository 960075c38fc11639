import { lstatSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DONE, UNCHANGED } from '../../cli/exit-code.ts'
import { Failure, UsageError, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import type { Config, Door } from '../../config/config.ts'
import { formatService } from '../../config/service.ts'
import { secretPath } from '../../config/secret.ts'
import { USER_NAME_MAX_CHARS, isUserName } from '../../config/users.ts'
import { FileError, cannot } from '../../file/file-error.ts'
import { ownerOfSecrets } from '../../file/owner.ts'
import { readAccessFile } from '../../peer/fwknop/authenticator/access-file.ts'
import { formatFault, quote } from '../../text/fault.ts'
import { cardText, plainCard } from '../card/card.ts'
import type { Card } from '../card/card.ts'
import { Images } from '../card/images.ts'
import { createKeyFile, makeFolder } from '../keygen/key-file.ts'
import type { AddArguments } from './arguments.ts'
import { jsonText } from './report.ts'
import type { Changed } from './report.ts'
import type { Surroundings } from './surroundings.ts'
import { listed } from './users-file.ts'

/** The lengths of the keys in bytes: AES-256, and HMAC with SHA-256 (RFC 2104, 3). The QR code of both fits 80 by 24. */
const KEY_BYTES = 32
/** The line of a stanza in the file of a user. */
const STANZA_LINE = 2
/** The folder that the message proposes for files of users. */
const FOLDER = '/etc/postern/fwknop'

/** A folder of an access.conf, with a file for each user, and the doors that read it. */
interface FwknopFolder {
  readonly access: string
  readonly folder: string
  readonly doors: readonly Door[]
}

/** Returns true for a door that takes fwknop's packets by an access.conf. */
export function isFwknopDoor({ secret }: Door): boolean {
  return 'protocol' in secret && secret.protocol === 'fwknop'
}

/** Returns the folders that the access.conf files of doors include, the first of each. */
function foldersOf(doors: readonly Door[]): readonly FwknopFolder[] {
  const all = doors.filter(isFwknopDoor)
  const paths = new Set(all.map(({ secret }) => secretPath(secret)!))
  return [...paths].flatMap((access) => {
    const own = all.filter(({ secret }) => secretPath(secret) === access)
    const folder = folderOf(access)
    return folder === undefined ? [] : [{ access, folder, doors: own }]
  })
}

function folderOf(access: string): string | undefined {
  try {
    return readAccessFile(access, 'fwknop').folders[0]
  } catch (error) {
    if (error instanceof FileError) return undefined
    throw error
  }
}

/**
 * Adds a user of a door with fwknop's packets: a file with a stanza, in the folder that the access.conf includes. It is
 * shown as the QR code that fwknop's app scans, before it is written.
 *
 * @throws Failure or UsageError; nothing was written then
 */
export async function addFwknop(
  door: Door,
  config: Config,
  asked: AddArguments,
  output: Output,
  here: Surroundings,
): Promise<number> {
  const { name } = asked
  if (!isUserName(name) || name.startsWith('.')) {
    const hint = `letters, digits, dots, dashes and underscores, ${USER_NAME_MAX_CHARS} at most: it is the name of a file`
    throw new UsageError(`invalid name ${quote(name)}`, hint)
  }
  const place = foldersOf(config.doors).find(({ doors }) => doors.includes(door))
  if (place === undefined) throw withoutFolder(door)
  const { folder, access, doors } = place
  const names = doors.map((each) => each.name)
  const file = join(folder, `${name}.conf`)
  if (isThere(file)) {
    output.err(faultText('postern', `${name} is there already: ${file}`, 'for new keys, remove the user first'))
    if (asked.json) output.out(jsonText({ user: name, changed: false, file, line: STANZA_LINE, disabled: false }))
    return UNCHANGED
  }
  const [key, hmac] = [0, 1].map(() => Buffer.from(here.random(KEY_BYTES)).toString('base64'))
  const scan = `KEY_BASE64:${key} HMAC_KEY_BASE64:${hmac}`
  const heading = `for fwknop's app on ${name}'s phone (Fwknop2: capture QR in a new entry)`
  const card: Card = { name: 'fwknop', heading, lines: [scan], code: scan }
  const images = new Images(asked.image)
  const viewer = asked.json ? undefined : here.viewer()
  try {
    await images.write([card])
    await viewer?.show(asked['no-qr'] ? plainCard(card) : card, images.notes(card))
    const owner = config.options.user === undefined ? undefined : ownerOfSecrets(config.options)
    await makeFolder(folder, owner)
    const text = `# ${name} (postern user add)\nSOURCE ANY\nKEY_BASE64 ${key}\nHMAC_KEY_BASE64 ${hmac}\n`
    await createKeyFile(file, text, owner)
    refuseFaults(access, file)
  } catch (error) {
    images.discard()
    throw error
  } finally {
    viewer?.close()
  }
  if (asked.json) {
    const secrets = [{ file, line: STANZA_LINE, kind: 'fwknop', doors: names, keys: scan }]
    const pictures = asked.image === undefined ? {} : { images: images.paths }
    output.out(jsonText({ user: name, changed: true, knockd: 'none', problems: [], secrets, ...pictures }))
    return DONE
  }
  const shown = { qr: !asked['no-qr'], terminal: here.terminal }
  const secret = viewer === undefined ? await cardText(card, shown) : ''
  output.out(`${name} can open ${listed(names)} by packets of fwknop: ${file}
a running knockd reads it within a second
${images.text()}
${secret}${usageOf(door, asked.issuer ?? here.hostname())}`)
  return DONE
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** Takes the new file back if the daemon would not read all. @throws Failure */
function refuseFaults(access: string, file: string): void {
  const errors = readAccessFile(access, 'fwknop').faults.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  rmSync(file, { force: true })
  const [first] = errors
  throw new Failure(formatFault(access, first!), 'correct this first: nothing was changed')
}

function usageOf(door: Door, host: string): string {
  const ports = door.opens.map(formatService).join(',')
  return `in the app: server ${host}, UDP port 62201, access ${ports}; or with the keys in a file: knock --spa fwknop -A ${ports} --key-file FILE ${host}\n`
}

function withoutFolder({ name, secret }: Door): Failure {
  return new Failure(
    `door ${name} takes packets of fwknop, and ${secretPath(secret)!} includes no folder of users`,
    `add this line to it, and run this again: %include_folder ${FOLDER}`,
  )
}

/**
 * Removes the files of a user from the folders of doors with fwknop's packets. knockd closes what they had opened. An
 * access.conf that cannot be read gives access to nobody.
 *
 * @throws Failure if a file cannot be removed
 */
export function removeFwknop(doors: readonly Door[], name: string): readonly Changed[] {
  if (!isUserName(name)) return []
  return foldersOf(doors).flatMap(({ folder, doors: own }): readonly Changed[] => {
    const file = join(folder, `${name}.conf`)
    if (!isThere(file)) return []
    try {
      rmSync(file)
    } catch (error) {
      throw new Failure(cannot(`remove ${file}`, error, { EACCES: 'run this as root' }).message)
    }
    return [{ file, lines: [STANZA_LINE], kinds: ['fwknop'], doors: own.map((door) => door.name) }]
  })
}
