import { ClientError } from '../fault.ts'
import { readPrivate } from '../private-file.ts'

/** The largest file of a passphrase in bytes. */
export const PASSPHRASE_FILE_MAX_BYTES = 4_096

/**
 * Reads the passphrase from a file with a single line, as bytes.
 *
 * @throws ClientError if the file is not a passphrase, or others can access it
 */
export async function readPassphrase(path: string): Promise<Buffer> {
  // Each byte becomes one character, so that any encoding is preserved.
  const text = (await readPrivate(path, PASSPHRASE_FILE_MAX_BYTES)).toString('latin1')
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase === '' || /[\r\n]/.test(passphrase)) {
    throw new ClientError(`${path}: is not a passphrase`, 'one line, and nothing else')
  }
  return Buffer.from(passphrase, 'latin1')
}
