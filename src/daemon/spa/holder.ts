import { basename } from 'node:path'
import type { Door } from '../../config/config.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'

/** Hexadecimal digits of a long key id (RFC 4880, 12.2). */
const KEY_ID_CHARS = 16

/**
 * Names the holder of the key that opened an fwknop packet, by its place and signer. Examples are `access.conf:3`,
 * `alice.conf:1` and `access.conf:3 signed by 0123456789ABCDEF`. The log, the journal and commands get the same name.
 *
 * @param signer the fingerprint of the signing key, or `undefined` if no signature is required
 */
export function holderOf({ secret }: Door, { file, line }: Stanza, signer: string | undefined): string {
  const stanza = `${basename(file ?? (secret.kind === 'spa' ? secret.path : ''))}:${line}`
  return signer === undefined ? stanza : `${stanza} signed by ${signer.slice(-KEY_ID_CHARS)}`
}
