import { createHmac } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Door, SecretConfig } from '../config/config.ts'
import { parseOneTime } from '../config/one-time.ts'
import { secretPath } from '../config/secret.ts'
import { formatSequence } from '../config/sequence.ts'
import { readHolders, secretKey } from '../config/users.ts'
import { CLASSIC, SECRET } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { valueOf } from '../text/read.ts'
import type { Beat } from './beat.ts'
import { MARKS_MAX } from './beat.ts'

/** Most bytes of a file, and most secrets of all files, that are looked at: 8 ms of the daemon's time. */
const FILE_MAX_BYTES = 1_048_576
const SECRETS_MAX = 4_096
const PROFILES_MAX = 256
/** Characters of a mark: 48 bits in base64. */
const MARK_CHARS = 8

/**
 * Returns marks of the secrets of doors that are this host's own: MACs under the fleet's key, of which those with the
 * lowest values are kept. So hosts that share many secrets share some of the marks that they tell, and hosts with few
 * secrets all of them. Readers of etcd learn no secret. Files that cannot be read have none.
 *
 * Of single packets of Postern's own it is the host's key: they are encrypted to it, so a host with another one cannot read them.
 *
 * @param spaKeyFile the file of that key
 */
export function secretMarks(fleetKey: Buffer, doors: readonly Door[], spaKeyFile: string): readonly string[] {
  return marksOf(
    fleetKey,
    doors.filter(({ scope }) => scope !== 'fleet'),
    spaKeyFile,
  )
}

/** Returns marks of the secrets of doors, whatever their scope: see {@link secretMarks}. */
export function marksOf(fleetKey: Buffer, doors: readonly Door[], spaKeyFile: string): readonly string[] {
  const marks = new Set<string>()
  let left = SECRETS_MAX
  for (const { secret } of doors) {
    for (const text of secretsOf(secret, spaKeyFile).slice(0, left)) {
      marks.add(markOf(fleetKey, `secret of a host\n${text}`))
      left--
    }
  }
  return [...marks].sort().slice(0, MARKS_MAX)
}

/** Returns the mark of the fleet's key itself. With another key, a host claims what no other host knows of. */
export function keyMark(fleetKey: Buffer): string {
  return markOf(fleetKey, 'key of the fleet\n')
}

function markOf(fleetKey: Buffer, text: string): string {
  return createHmac('sha256', fleetKey).update(text).digest('base64url').slice(0, MARK_CHARS)
}

/** Returns the hosts that have a secret of this one, by their signs of life. */
export function hostsThatShare(
  own: readonly string[],
  host: string,
  beats: ReadonlyMap<string, Pick<Beat, 'marks'>>,
): readonly string[] {
  const marks = new Set(own)
  return [...beats].flatMap(([name, beat]) =>
    name !== host && beat.marks.some((mark) => marks.has(mark)) ? [name] : [],
  )
}

function secretsOf(secret: SecretConfig, spaKeyFile: string): readonly string[] {
  const path = secretPath(secret)
  if (path === undefined) return []
  try {
    if ('protocol' in secret) return packetSecrets(secret.protocol, path, spaKeyFile)
    const text = readPrivateText(path, FILE_MAX_BYTES, CLASSIC)
    if ('lowWater' in secret) {
      // Comments and used sequences are marked.
      const left = parseOneTime(text).lines.filter(({ marked }) => !marked)
      return left.map(({ knocks }) => formatSequence(knocks))
    }
    return (valueOf(readHolders(secret, text)) ?? []).map(secretKey)
  } catch {
    return []
  }
}

function packetSecrets(protocol: string, path: string, spaKeyFile: string): readonly string[] {
  if (protocol === 'postern') return [readPrivateText(spaKeyFile, FILE_MAX_BYTES, SECRET).trim()]
  if (protocol === 'knockknock') {
    const profiles = readdirSync(path).slice(0, PROFILES_MAX)
    return profiles.map((name) => readPrivateText(join(path, name, 'cipher.key'), FILE_MAX_BYTES, CLASSIC).trim())
  }
  const text = readPrivateText(path, FILE_MAX_BYTES, CLASSIC)
  return [...text.matchAll(/^\s*(?:HMAC_)?KEY(?:_BASE64)?:?\s+(\S+)/gm)].map(([, key = '']) => key)
}
