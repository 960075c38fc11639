import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config, Secret } from '../../config/config.ts'
import type { Finding } from './finding.ts'
import { shellWord } from './finding.ts'

/** Permission bits (`<sys/stat.h>`). */
const OTHERS_ANY = 0o007
const GROUP_WRITE = 0o020
const OTHERS_WRITE = 0o002
/** Others may add files there, but take away none of somebody else's. */
const STICKY = 0o1000

/** What a file or folder is like; `undefined`: it is not there. */
export interface Mode {
  readonly mode: number
  readonly uid: number
}

/** Files that hold secrets, or commands that root runs, and that others can read or change. */
export function judgePermissions(
  { file, doors, options }: Config,
  stateFolder: string,
  look: (path: string) => Mode | undefined = modeOf,
): readonly Finding[] {
  const secrets = [file, ...doors.flatMap(({ secret }) => secretFiles(secret, options.spaKeyFile))]
  const findings = [...new Set(secrets)].flatMap((path): readonly Finding[] => {
    const seen = look(path)
    if (seen === undefined || (seen.mode & (OTHERS_ANY | GROUP_WRITE)) === 0) return []
    const message = `${path} holds secrets and others can ${(seen.mode & (OTHERS_WRITE | GROUP_WRITE)) === 0 ? 'read' : 'change'} it (mode ${octal(seen.mode)})`
    return [{ severity: 'fault', subject: 'permissions', message, mend: `chmod 600 ${shellWord(path)}` }]
  })
  for (const folder of new Set([...secrets.map((path) => dirname(path)), options.stateDir ?? stateFolder])) {
    const seen = look(folder)
    if (seen === undefined) continue
    if ((seen.mode & (OTHERS_WRITE | GROUP_WRITE)) === 0 || (seen.mode & STICKY) !== 0) continue
    const message = `others can put another file in the place of those in ${folder} (mode ${octal(seen.mode)})`
    findings.push({ severity: 'fault', subject: 'permissions', message, mend: `chmod go-w ${shellWord(folder)}` })
  }
  return findings
}

/** The files that hold a door's secrets, beside the config. */
function secretFiles(secret: Secret, spaKeyFile: string): readonly string[] {
  if (secret.kind === 'spa') {
    // A file of users has public keys; of profiles only the folder is known here.
    if (secret.protocol === 'postern') return [spaKeyFile]
    return secret.protocol === 'knockknock' ? [] : [secret.path]
  }
  if ('path' in secret) return [secret.path]
  const passphrase = secret.kind === 'generated' ? secret.list.publish?.passphraseFile : undefined
  return passphrase === undefined ? [] : [passphrase]
}

function modeOf(path: string): Mode | undefined {
  try {
    const { mode, uid } = statSync(path)
    return { mode: mode & 0o7777, uid }
  } catch {
    return undefined
  }
}

function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0')
}
