import { Decrypter, armor } from 'age-encryption'
import { Fault } from './fault.js'
import { PassphraseIdentity, wantsPassphrase } from './passphrase.js'
/** An identity wherever it stands in what was pasted, which may be all of an identity file in one line. */
const IDENTITY = /AGE-SECRET-KEY-(?:PQ-)?1[0-9A-Z]+/i
/** How an age file begins without armor (C2SP age, "header"). */
const BINARY_START = 'age-encryption.org/'
const ARMOR_START = '-----BEGIN AGE'
/** What somebody typed or pasted: an identity if there is one in it, else a passphrase, as it is. */
export function readSecret(typed) {
  const identity = IDENTITY.exec(typed)?.[0]
  if (identity === undefined) return { kind: 'passphrase', text: typed }
  return { kind: 'identity', text: identity.toUpperCase() }
}
/**
 * Decrypts a list, armored or not. `onProgress` is called with 0 to 1 while a passphrase is being worked on.
 * Throws {@link Fault}: what is wrong with the file, or with the secret.
 */
export async function decryptList(file, secret, onProgress) {
  const bytes = withoutArmor(file)
  const decrypter = new Decrypter()
  // They are asked in this order, up to the one that has the key.
  const asked = new Witness()
  const unmatched = new Witness()
  decrypter.addIdentity(asked)
  try {
    decrypter.addIdentity(secret.kind === 'identity' ? secret.text : new PassphraseIdentity(secret.text, onProgress))
  } catch (error) {
    throw new Fault('This identity is not whole.', 'A letter is missing or mistyped: paste it once more.', {
      cause: error,
    })
  }
  decrypter.addIdentity(unmatched)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await decrypter.decrypt(bytes))
  } catch (error) {
    if (unmatched.stanzas === undefined) {
      throw new Fault('This list is damaged.', 'It may have been fetched while it was written: try again.', {
        cause: error,
      })
    }
    throw mismatch(secret, asked.stanzas?.some(wantsPassphrase) ?? false)
  }
}
/** Sees what a file is encrypted to, and has no key. */
class Witness {
  stanzas
  unwrapFileKey(stanzas) {
    this.stanzas = stanzas
    return null
  }
}
function mismatch({ kind }, passphraseWanted) {
  if (kind === 'identity') {
    return passphraseWanted
      ? new Fault('This list asks for a passphrase.', 'What you gave is an identity.')
      : new Fault('This identity does not open the list.', 'The list is encrypted to others: use one of theirs.')
  }
  return passphraseWanted
    ? new Fault('This passphrase does not open the list.', 'Show what you typed and look it over.')
    : new Fault('This list asks for an identity.', 'It is the line of your key file that begins with AGE-SECRET-KEY-.')
}
function withoutArmor(file) {
  const start = new TextDecoder().decode(file.subarray(0, ARMOR_START.length * 2)).trimStart()
  if (start.startsWith(BINARY_START)) return file
  if (!start.startsWith(ARMOR_START)) {
    throw new Fault('This is not an age file.', 'The web server gave out something else in the list’s place.')
  }
  try {
    return armor.decode(new TextDecoder().decode(file))
  } catch (error) {
    throw new Fault('This list is damaged.', 'It may have been fetched while it was written: try again.', {
      cause: error,
    })
  }
}
