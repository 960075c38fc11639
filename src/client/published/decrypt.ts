import { ClientError } from '../fault.ts'
import { ageKind, decryptAge, type Keys } from './age.ts'
import { decryptOpenPgp, isOpenPgp } from './openpgp.ts'

/**
 * Decrypts a published list. The content tells its format.
 *
 * @throws ClientError if the format is unknown or decryption fails
 */
export async function decrypt(bytes: Uint8Array, keys: Keys): Promise<Uint8Array> {
  const text = Buffer.from(bytes).toString('latin1')
  if (ageKind(text) !== undefined) return decryptAge(bytes, keys)
  if (isOpenPgp(text)) return decryptOpenPgp(bytes, keys.passphraseFile)
  throw new ClientError('this is not an encrypted list', 'a list is encrypted by age, or by OpenPGP with ASCII armor')
}
