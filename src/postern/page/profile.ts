import { Failure } from '../../cli/fault.ts'
import type { Door } from '../../config/config.ts'
import { codeOf, generatedList, waitsFor } from '../../config/secret.ts'
import { USERS_FILE_MAX_BYTES, holdersMaxBytes, parseUsers, readHolders } from '../../config/users.ts'
import type { UserSecret } from '../../config/users.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { SYN, TCP } from '../../packet/packet.ts'
import type { ClientMeans, ClientProfile } from '../../publish/client-profile.ts'
import type { KnockHost } from '../../publish/knock-host.ts'
import { passphraseIn } from '../../publish/passphrase-file.ts'
import { listName } from '../../secret/generated-door.ts'
import { meantOr } from '../../text/read.ts'

/** The largest file of age identities, in bytes. */
const IDENTITY_MAX_BYTES = 65_536
/** An identity at the beginning of a line, for X25519 or the hybrid kind. */
const IDENTITY = /^AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+$/m

/** Refuses a door that no page opens. @throws Failure */
export function checkDoor({ name, secret, tcpFlags }: Door): void {
  const say = (message: string, hint: string): Failure => new Failure(`door ${name} ${message}`, hint)
  if (secret.kind === 'spa') {
    throw say(
      `waits for ${waitsFor(secret)}, which no browser can send`,
      'use knock --spa, or give it a door with codes',
    )
  }
  if (secret.kind === 'one-time' || (secret.kind === 'generated' && secret.list.publish === undefined)) {
    throw say(
      'has a list of one-time sequences that is not published',
      'knockd.conf(5): One_Time_Sequences = generate, Publish_To',
    )
  }
  if (tcpFlags !== undefined && (SYN & tcpFlags.mask) !== tcpFlags.want) {
    throw say('waits for packets that no browser sends', 'without TCPFlags, or with TCPFlags = syn')
  }
}

/** Returns the TCP port that a door opens on this host; `undefined`: none. */
export function servicePort({ opens }: Door): number | undefined {
  return opens.find(({ protocol, host }) => protocol === TCP && host === undefined)?.first
}

/**
 * Returns the profile of a user of a door; at a door with one secret for all, that one.
 *
 * @param identity a file of an age identity, for a published list
 * @throws Failure, or FileError of a file that cannot be used
 */
export function profileOf(door: Door, user: string, host: KnockHost, identity: string | undefined): ClientProfile {
  const means = meansOf(door, user, identity)
  return { host: host.name, service: servicePort(door), door: door.name, user, means }
}

function meansOf(door: Door, user: string, identity: string | undefined): ClientMeans {
  const { secret, name } = door
  if (identity !== undefined && generatedList(secret)?.publish === undefined) {
    throw new Failure(`door ${name} has no published list`, 'without --identity')
  }
  switch (secret.kind) {
    case 'sequence':
      return { kind: 'sequence', knocks: secret.knocks }
    case 'users':
      return withBefore(door, userSecret(secret.path, user))
    case 'totp': {
      const read = readHolders(secret, readPrivateText(secret.path, holdersMaxBytes(secret), SECRET))
      if ('message' in read) throw new Failure(`${secret.path}: ${read.message}`, read.hint)
      return withBefore(door, read.value[0]!)
    }
    case 'generated':
      return { kind: 'list', file: `${listName(name)}.age`, key: listKey(door, identity) }
    case 'one-time':
    case 'spa':
      throw new Failure(`door ${name} waits for ${waitsFor(secret)}`, 'no page can send that')
    default:
      return secret satisfies never
  }
}

function withBefore({ secret }: Door, own: UserSecret): ClientMeans {
  const { before } = codeOf(secret)!
  if ('totp' in own) return { kind: 'codes', secret: own.totp, before }
  return { kind: 'sequence', knocks: [...before, ...own.knocks] }
}

function userSecret(path: string, name: string): UserSecret {
  const { users } = parseUsers(readPrivateText(path, USERS_FILE_MAX_BYTES, SECRET))
  const user = users.find((each) => each.name === name)
  if (user !== undefined) return user.secret
  const names = users.map((each) => each.name)
  throw new Failure(`there is no user ${name} in ${path}`, meantOr(name, names, `add one: postern user add ${name}`))
}

function listKey({ secret, name }: Door, identity: string | undefined): string {
  const { passphraseFile } = generatedList(secret)!.publish!
  if (identity === undefined) {
    if (passphraseFile !== undefined) return passphraseIn(passphraseFile)
    throw new Failure(
      `the list of door ${name} is encrypted to identities`,
      "name the file with the user's: --identity FILE",
    )
  }
  const [line] = IDENTITY.exec(readPrivateText(identity, IDENTITY_MAX_BYTES, SECRET).replaceAll('\r', '')) ?? []
  if (line !== undefined) return line
  throw new Failure(`${identity}: has no age identity`, 'a line begins with AGE-SECRET-KEY-1, as age-keygen makes it')
}
