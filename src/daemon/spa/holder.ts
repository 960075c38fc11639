import { basename } from 'node:path'
import type { Door } from '../../config/config.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'

/** Hexadecimal digits of a long key id (RFC 4880, 12.2). */
const KEY_ID_CHARS = 16

/**
 * Whose key opened a packet of fwknop's: where it stands, and who signed. `access.conf:3`, `alice.conf:1`, `access.conf:3 signed by
 * 0123456789ABCDEF`. The same in the log, in the journal and in what commands are told.
 *
 * @param signer fingerprint of the key that signed; `undefined`: none has to
 */
export function holderOf({ secret }: Door, { file, line }: Stanza, signer: string | undefined): string {
  const stanza = `${basename(file ?? (secret.kind === 'spa' ? secret.path : ''))}:${line}`
  return signer === undefined ? stanza : `${stanza} signed by ${signer.slice(-KEY_ID_CHARS)}`
}
