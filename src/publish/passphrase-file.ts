import { SECRET } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { strayIn } from '../text/lines.ts'

/** The maximum size of a passphrase file, in bytes. */
const PASSPHRASE_MAX_BYTES = 4_096

/** Returns the passphrase in the first line of a file. @throws Error if it is missing, or others can read the file */
export function passphraseIn(path: string): string {
  const [line = ''] = readPrivateText(path, PASSPHRASE_MAX_BYTES, SECRET).split('\n')
  const stray = strayIn(line.replace(/\r$/, ''))
  if (stray !== undefined) throw new Error(`${path}:1:${stray.column}: ${stray.message}\n${stray.hint}`)
  const passphrase = line.trim()
  if (passphrase === '') throw new Error(`${path} has no passphrase in its first line`)
  return passphrase
}
