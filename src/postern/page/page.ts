import { existsSync, readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { DONE } from '../../cli/exit-code.ts'
import { Failure, failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import type { Door } from '../../config/config.ts'
import { generatedList } from '../../config/secret.ts'
import { replaceFile } from '../../file/replace.ts'
import { decodeProfile, encodeProfile } from '../../publish/client-profile.ts'
import type { ClientProfile } from '../../publish/client-profile.ts'
import { readKnockHost } from '../../publish/knock-host.ts'
import type { KnockHost } from '../../publish/knock-host.ts'
import { appFilesOf, appOf } from '../../publish/page/app.ts'
import { readPageAssets } from '../../publish/page/assets.ts'
import { renderClientPage } from '../../publish/page/client-page.ts'
import { NODE_CIPHER } from '../../publish/page/node-cipher.ts'
import { PASSPHRASE_MAX_CHARS, weaknessOf } from '../../publish/page/passphrase-strength.ts'
import { formatSealed, passphraseSlot, seal, withSlot } from '../../publish/page/sealed.ts'
import { passphraseIn } from '../../publish/passphrase-file.ts'
import { listName } from '../../secret/generated-door.ts'
import { askHidden } from '../hidden-input.ts'
import { targetOf } from '../target-file.ts'
import { configOf } from '../config-of.ts'
import { doorsNamed } from '../user/users-file.ts'
import type { PageArguments } from './arguments.ts'
import { checkDoor, profileOf } from './profile.ts'

/** The mode of the files beside a page, which have no secret. */
const APP_MODE = 0o644
/** The mark of a page of this program, in its first bytes. */
const GENERATOR = '<meta name="generator" content="Postern" />'

/** Runs `postern page`, and returns the exit code. @param built folder of what script/build made */
export async function page(asked: PageArguments, output: Output, built?: URL): Promise<number> {
  try {
    const [door] = doorsNamed(configOf(asked.config), [asked.door])
    checkDoor(door!)
    const host = hostOf(asked, door!)
    const target = targetOf(asked.file)
    checkTarget(target, asked.file, door!)
    const { user } = asked
    const profile = user === undefined ? undefined : profileOf(door!, user, host, asked.identity)
    const sealed = profile === undefined ? undefined : await sealedOf(profile, asked, output)
    const files = appFilesOf(basename(target))
    const script = generatedList(door!.secret) === undefined ? 'client.js' : 'client-with-lists.js'
    const assets = await readPageAssets(script, built)
    const text = renderClientPage({ door: door!.name, user, host, sealed, files }, assets)
    // The page is the last one: until it is there, all is as before.
    for (const [name, content] of await appOf(files, door!.name, text, built)) {
      replaceFile(join(dirname(target), name), content, name === files.page ? asked.mode : APP_MODE)
    }
    const secret =
      user === undefined ? 'without a secret: it takes one by a link' : `with the secret of ${user}, encrypted`
    output.out(`${asked.file}: knocks at ${host.name} to open ${door!.name}, ${secret}
  an app with ${files.manifest}, ${files.worker} and ${files.icon} beside it, over https
  a web server can change the page: serve it where you would keep the secret
`)
    return DONE
  } catch (error) {
    return failed(error, output)
  }
}

function hostOf({ host }: PageArguments, { secret }: Door): KnockHost {
  const text = host ?? generatedList(secret)?.publish?.host ?? hostname()
  const read = readKnockHost(text)
  if (read === undefined) throw new Failure(`${text} is neither a DNS name nor an address`, '--host gate.example.org')
  return read
}

/** Refuses to replace a file that is no page of this program, or the page that the daemon publishes. @throws Failure */
function checkTarget(target: string, named: string, { name, secret }: Door): void {
  if (generatedList(secret) !== undefined && basename(target) === `${listName(name)}.html`) {
    throw new Failure(`${named} has the name of the page that knockd publishes`, 'name another file in the same folder')
  }
  if (!existsSync(target) || readFileSync(target, 'utf8').includes(GENERATOR)) return
  throw new Failure(`${named} is there, and is no page of postern`, 'move it away, or name another file')
}

async function sealedOf(profile: ClientProfile, asked: PageArguments, output: Output): Promise<string> {
  const text = encodeProfile(profile)
  const read = decodeProfile(text)
  if ('message' in read) {
    throw new Failure(`no page can have this secret: it ${read.message}`, 'names of doors have no control characters')
  }
  const file = asked['passphrase-file']
  const passphrase = file === undefined ? await newPassphrase() : passphraseIn(file)
  if (passphrase.length > PASSPHRASE_MAX_CHARS) {
    throw new Failure('the passphrase is too long', `at most ${PASSPHRASE_MAX_CHARS} characters`)
  }
  const weakness = weaknessOf(passphrase)
  if (weakness !== undefined) output.err(faultText('postern', 'the passphrase is weak', weakness))
  const { sealed, key } = seal(text, NODE_CIPHER)
  return formatSealed(withSlot(sealed, await passphraseSlot(key, passphrase, NODE_CIPHER)))
}

async function newPassphrase(): Promise<string> {
  const noTerminal = 'there is no terminal to ask for the passphrase of the page'
  const first = await askHidden('passphrase for the page', noTerminal, '--passphrase-file FILE')
  if (first === '') throw new Failure('no passphrase given', 'the page encrypts the secret under it')
  if (first === (await askHidden('once more', noTerminal))) return first
  throw new Failure('the passphrases differ', 'run this again')
}
