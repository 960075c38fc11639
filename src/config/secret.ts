import type { CodeTerms, Knock, ListTerms, SecretConfig, SpaProtocol } from './config.ts'

/** A secret whose packets open a door alone. */
export type PacketSecret = Extract<SecretConfig, { readonly kind: 'spa' }>

/** A list of one-time sequences. */
export type OneTimeSecret = Extract<SecretConfig, { readonly lowWater: number }>

/** Returns the knocks of a fixed sequence; empty: another secret. */
export function fixedKnocks(secret: SecretConfig): readonly Knock[] {
  return 'knocks' in secret ? secret.knocks : []
}

/** Returns the rules for time-based codes; `undefined`: no codes. */
export function codeOf(secret: SecretConfig): CodeTerms | undefined {
  return 'code' in secret ? secret.code : undefined
}

/** Returns the knocks that the config has: a fixed sequence, or the knocks before a code. */
export function writtenKnocks(secret: SecretConfig): readonly Knock[] {
  return codeOf(secret)?.before ?? fixedKnocks(secret)
}

/** Returns the settings of single packets; `undefined`: another secret. */
export function packetOf(secret: SecretConfig): PacketSecret | undefined {
  return 'protocol' in secret ? secret : undefined
}

/** Returns true if packets in fwknop's format open a door with this secret. */
export function isFwknop(secret: SecretConfig): secret is PacketSecret & { protocol: 'fwknop' | 'fwknop-keys' } {
  return packetOf(secret)?.protocol.startsWith('fwknop') === true
}

/** Returns the file or folder that a secret names; `undefined`: it names none. */
export function secretPath(secret: SecretConfig): string | undefined {
  return 'path' in secret ? secret.path : undefined
}

/** Returns the list of one-time sequences; `undefined`: another secret. */
export function oneTimeOf(secret: SecretConfig): OneTimeSecret | undefined {
  return 'lowWater' in secret ? secret : undefined
}

/** Returns the properties of a list that the daemon makes; `undefined`: it makes none. */
export function generatedList(secret: SecretConfig): ListTerms | undefined {
  return 'list' in secret ? secret.list : undefined
}

const USED_ONCE = 'has one-time sequences, and the kernel cannot mark one as used'
const BEYOND: Readonly<Record<SecretConfig['kind'], string | undefined>> = {
  sequence: undefined,
  'one-time': USED_ONCE,
  generated: USED_ONCE,
  totp: 'has codes that change with the time, and the kernel cannot compute them',
  spa: 'opens to single packets, and the kernel cannot decrypt them',
  users: 'has users, and the kernel cannot tell who knocked',
}

/** Returns the reason why the kernel alone cannot wait for a secret; `undefined`: it can. */
export function beyondFixedRules({ kind }: SecretConfig): string | undefined {
  return BEYOND[kind]
}

const SENDERS: Readonly<Record<SpaProtocol, string>> = {
  postern: 'a single packet of a user',
  fwknop: "a packet of fwknop's, by its access.conf",
  'fwknop-keys': "a packet of fwknop's",
  knockknock: 'a SYN of a knockknock profile',
}

/** Describes the secret for people. The text has no port, and not the number of knocks. */
export function waitsFor(secret: SecretConfig): string {
  switch (secret.kind) {
    case 'sequence':
      return 'its sequence'
    case 'one-time':
    case 'generated':
      return 'the next sequence of its list'
    case 'totp':
      return secret.code.before.length === 0 ? 'a code' : 'its sequence and a code'
    case 'users':
      return secret.code.before.length === 0 ? 'the secret of a user' : 'its sequence and the secret of a user'
    case 'spa':
      return SENDERS[secret.protocol]
    default:
      return secret satisfies never
  }
}

/** Returns true if a wrong clock keeps a door with this secret shut: it has codes, or packets with a greatest age. */
export function needsClock(secret: SecretConfig): boolean {
  return codeOf(secret) !== undefined || packetOf(secret)?.maxAgeMs !== undefined
}

/** The uses of a file: `list` has one-time sequences, `public` has public keys, and `profiles` is a folder of keys. */
export type SecretFileUse = 'list' | 'secret' | 'public' | 'profiles'

/** Returns the files that a secret needs, and the use of each. */
export function secretFiles(
  secret: SecretConfig,
  spaKeyFile: string,
): readonly (readonly [path: string, use: SecretFileUse])[] {
  const path = secretPath(secret) ?? ''
  switch (secret.kind) {
    case 'sequence':
      return []
    case 'one-time':
      return [[path, 'list']]
    case 'generated': {
      const { passphraseFile, recipients = [] } = secret.list.publish ?? {}
      const keys = recipients.filter((each) => each.startsWith('/')).map((each) => [each, 'public'] as const)
      return passphraseFile === undefined ? keys : [[passphraseFile, 'secret'], ...keys]
    }
    case 'totp':
    case 'users':
      return [[path, 'secret']]
    case 'spa':
      if (secret.protocol === 'knockknock') return [[path, 'profiles']]
      return secret.protocol === 'postern'
        ? [
            [spaKeyFile, 'secret'],
            [path, 'public'],
          ]
        : [[path, 'secret']]
    default:
      return secret satisfies never
  }
}
