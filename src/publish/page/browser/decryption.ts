import { Decrypter, armor } from 'age-encryption'
import type { Identity, Stanza } from 'age-encryption'
import { Fault } from './fault.ts'
import { PassphraseIdentity, wantsPassphrase } from './passphrase.ts'

/** The secret that decrypts a list. */
export interface Secret {
  readonly kind: 'identity' | 'passphrase'
  readonly text: string
}

/** An identity at any position in the pasted text, which may be a whole identity file in one line. */
const IDENTITY = /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+/i

/** The beginning of an age file without armor (C2SP age, "header"). */
const BINARY_START = 'age-encryption.org/'
const ARMOR_START = '-----BEGIN AGE'

/** Reads the typed or pasted text: as an identity if it contains one, and otherwise as a passphrase. */
export function readSecret(typed: string): Secret {
  const identity = IDENTITY.exec(typed)?.[0]
  if (identity === undefined) return { kind: 'passphrase', text: typed }
  return { kind: 'identity', text: identity.toUpperCase() }
}

/**
 * Decrypts a list, with or without armor.
 *
 * @param onProgress is called with 0 to 1 while the key is derived from a passphrase
 * @throws {@link Fault} if the file or the secret is wrong
 */
export async function decryptList(
  file: Uint8Array,
  secret: Secret,
  onProgress: (done: number) => void,
): Promise<string> {
  const bytes = withoutArmor(file)
  const decrypter = new Decrypter()
  // The identities are tried in this order until one has the key.
  const asked = new Witness()
  const unmatched = new Witness()
  decrypter.addIdentity(asked)
  try {
    decrypter.addIdentity(secret.kind === 'identity' ? secret.text : new PassphraseIdentity(secret.text, onProgress))
  } catch (cause) {
    throw new Fault('This identity is incomplete.', 'A letter is missing or mistyped: paste it again.', { cause })
  }
  decrypter.addIdentity(unmatched)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await decrypter.decrypt(bytes))
  } catch (error) {
    if (unmatched.stanzas === undefined) throw damaged(error)
    throw mismatch(secret, asked.stanzas?.some(wantsPassphrase) ?? false)
  }
}

/** An identity without a key, which records the recipients of a file. */
class Witness implements Identity {
  stanzas: readonly Stanza[] | undefined

  unwrapFileKey(stanzas: Stanza[]): null {
    this.stanzas = stanzas
    return null
  }
}

function mismatch({ kind }: Secret, passphraseWanted: boolean): Fault {
  if (kind === 'identity') {
    return passphraseWanted
      ? new Fault('This list asks for a passphrase.', 'What you gave is an identity.')
      : new Fault('This identity does not open the list.', 'The list is encrypted to others: use one of theirs.')
  }
  return passphraseWanted
    ? new Fault('This passphrase does not open the list.', 'Show what you typed and check it.')
    : new Fault('This list asks for an identity.', 'It is the line of your key file that begins with AGE-SECRET-KEY-.')
}

function damaged(cause: unknown): Fault {
  return new Fault('This list is damaged.', 'It may have been fetched while it was written: try again.', { cause })
}

function withoutArmor(file: Uint8Array): Uint8Array {
  const start = new TextDecoder().decode(file.subarray(0, ARMOR_START.length * 2)).trimStart()
  if (start.startsWith(BINARY_START)) return file
  if (!start.startsWith(ARMOR_START)) {
    throw new Fault('This is not an age file.', 'The web server sent something else instead of the list.')
  }
  try {
    return armor.decode(new TextDecoder().decode(file))
  } catch (error) {
    throw damaged(error)
  }
}
