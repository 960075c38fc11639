import { ClientError } from '../fault.ts'
import { readPrivate } from '../private-file.ts'

/** Largest file of a passphrase, in bytes. */
export const PASSPHRASE_FILE_MAX_BYTES = 4_096

/** The passphrase that is the only line of a file, in its own bytes. Throws a ClientError when it is none, or open to others. */
export async function readPassphrase(path: string): Promise<Buffer> {
  // Each byte a character: whatever encoding it is in, it comes out as it was.
  const text = (await readPrivate(path, PASSPHRASE_FILE_MAX_BYTES)).toString('latin1')
  const passphrase = text.replace(/\r?\n$/, '')
  if (passphrase === '' || /[\r\n]/.test(passphrase)) {
    throw new ClientError(`${path}: is not a passphrase`, 'one line, and nothing else')
  }
  return Buffer.from(passphrase, 'latin1')
}
