import { devNull } from 'node:os'

const LINE_FEED = 0x0a

/** Options for gpg(1): the first line of standard input is the passphrase, and the rest is the message. */
export const PASSPHRASE_FIRST = ['--pinentry-mode', 'loopback', '--passphrase-fd', '0'] as const
/**
 * Options for gpg(1): status lines go to standard error. gpg's log is discarded: text in it, such as a name from
 * the message, could pass for a status line.
 */
export const STATUS_ON_ERROR = ['--status-fd', '2', '--logger-file', devNull] as const

/**
 * Returns the standard input of a gpg with {@link PASSPHRASE_FIRST}. gpg reads only the first line of a passphrase.
 * Without a passphrase, that line is empty.
 */
export function gpgInput(passphrase: Uint8Array | undefined, message: Uint8Array): Uint8Array {
  const bytes = Buffer.from(passphrase ?? [])
  const end = bytes.indexOf(LINE_FEED)
  return Buffer.concat([end < 0 ? bytes : bytes.subarray(0, end), Uint8Array.of(LINE_FEED), message])
}
