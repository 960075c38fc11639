const LINE_FEED = 0x0a

/** gpg(1): the first line of standard input is the passphrase, and what comes after it the message. */
export const PASSPHRASE_FIRST = ['--pinentry-mode', 'loopback', '--passphrase-fd', '0'] as const
/**
 * gpg(1): status lines go to standard error. What gpg tells people goes nowhere, so that nothing in it, such as a name out of
 * the message, can pass for one.
 */
export const STATUS_ON_ERROR = ['--status-fd', '2', '--logger-file', '/dev/null'] as const

/**
 * The standard input of a gpg that is run with {@link PASSPHRASE_FIRST}. Of a passphrase gpg takes the first line only;
 * without one an empty line stands there.
 */
export function gpgInput(passphrase: Uint8Array | undefined, message: Uint8Array): Uint8Array {
  const bytes = Buffer.from(passphrase ?? [])
  const end = bytes.indexOf(LINE_FEED)
  return Buffer.concat([end < 0 ? bytes : bytes.subarray(0, end), Uint8Array.of(LINE_FEED), message])
}
