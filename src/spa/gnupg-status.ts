/**
 * The contents of gpg's status lines for a message (GnuPG's doc/DETAILS, "Format of the --status-fd output"). gpg
 * escapes names that others choose, so that their lines cannot look like gpg's.
 */
export interface GnupgStatus {
  /** The reason why the text was not decrypted completely, or `undefined`. */
  readonly fault: string | undefined
  readonly signature: Signature
}

/** The result of a signature check. */
export type Signature =
  | { readonly kind: 'none' }
  /** The key is neither revoked nor expired. Fingerprints are hexadecimal digits in capitals. */
  | { readonly kind: 'good'; readonly key: string; readonly primary: string }
  /** The key is not in the keyring, so the signature cannot be checked. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** The signature never counts. `key` and `primary` are the claimed keys, if gpg names them. */
  | { readonly kind: 'bad'; readonly why: string; readonly key?: string; readonly primary?: string }

/** The beginning of each status line. */
const PREFIX = '[GNUPG:] '
/** The keywords of a decrypted text, which must occur once each and in this order. */
const DECRYPTED = ['BEGIN_DECRYPTION', 'PLAINTEXT', 'DECRYPTION_OKAY', 'END_DECRYPTION']
/** The keywords after which a decrypted text must not be used. */
const FAILED = new Set(['DECRYPTION_FAILED', 'NODATA', 'BADMDC', 'UNEXPECTED'])
/** The keywords of signature results, with the reasons why such a signature does not count. */
const SIGNATURES: Readonly<Record<string, string | undefined>> = {
  GOODSIG: undefined,
  EXPSIG: 'its signature has expired',
  EXPKEYSIG: 'its signature is by an expired key',
  REVKEYSIG: 'its signature is by a revoked key',
  BADSIG: 'its signature is bad',
  ERRSIG: 'its signature cannot be checked',
}
/** The reason in ERRSIG if the key is not in the keyring. */
const NO_PUBLIC_KEY = '9'
/** The classes of signatures over a document (RFC 4880, 5.2.1): binary and text. */
const DOCUMENT_CLASSES = new Set(['00', '01'])

/** Reads gpg's status lines for a decryption. A truncated text is a fault. */
export function readGnupgStatus(text: string): GnupgStatus {
  const said = saidIn(text)
  const words = said.map(([keyword = '']) => keyword)
  const marks = words.filter((word) => DECRYPTED.includes(word))
  const failed = words.find((word) => FAILED.has(word))
  if (failed !== undefined || marks.join() !== DECRYPTED.join()) {
    const several = marks.filter((word) => word === 'PLAINTEXT').length > 1
    const found = signatureIn(said, said)
    // gpg stops at an expired signature before it reports the decryption. That reason is more helpful than the missing
    // report.
    const signature: Signature = found.kind === 'good' ? { kind: 'none' } : found
    const fault = several ? 'it contains several texts' : 'gpg did not decrypt it'
    return { fault: signature.kind === 'bad' ? signature.why : fault, signature }
  }
  // A signature outside the encryption is one of another text.
  const inside = said.slice(words.indexOf('PLAINTEXT'), words.indexOf('DECRYPTION_OKAY'))
  return { fault: undefined, signature: signatureIn(inside, said) }
}

/**
 * Reads the signature result of a message that needs no signature. Only `bad` matters then, because gpg outputs the
 * text all the same.
 */
export function readGnupgSignature(text: string): Signature {
  const said = saidIn(text)
  return signatureIn(said, said)
}

type StatusLine = readonly (readonly string[])[]

function saidIn(text: string): StatusLine {
  return text
    .split('\n')
    .filter((line) => line.startsWith(PREFIX))
    .map((line) => line.slice(PREFIX.length).trimEnd().split(' '))
}

function signatureIn(inside: StatusLine, said: StatusLine): Signature {
  const judged = said.filter(([keyword = '']) => Object.hasOwn(SIGNATURES, keyword))
  const valid = said.filter(([keyword]) => keyword === 'VALIDSIG')
  const begun = said.filter(([keyword]) => keyword === 'NEWSIG')
  const [one] = judged
  if (one === undefined) {
    return valid.length + begun.length === 0
      ? { kind: 'none' }
      : { kind: 'bad', why: 'gpg did not check its signature' }
  }
  if (judged.length > 1 || valid.length > 1 || begun.length > 1)
    return { kind: 'bad', why: 'it has several signatures' }
  const [keyword = '', id = '', , , , , reason] = one
  const why = SIGNATURES[keyword]
  if (keyword === 'ERRSIG' && reason === NO_PUBLIC_KEY)
    return { kind: 'unknown', why: 'it is signed by an unknown key' }
  const keys = keysOf(valid[0])
  if (why !== undefined) return { kind: 'bad', why, ...keys }
  if (said.some(([word]) => word === 'KEYREVOKED')) return { kind: 'bad', why: SIGNATURES['REVKEYSIG']!, ...keys }
  if (said.some(([word]) => word === 'TRUST_NEVER'))
    return { kind: 'bad', why: 'its key must never be trusted', ...keys }
  if (keys === undefined || !inside.includes(one) || !inside.includes(valid[0]!)) {
    return { kind: 'bad', why: 'its signature is not for the encrypted text' }
  }
  // GOODSIG contains a long key id, or the fingerprint in newer versions.
  if (id.length < KEY_ID_CHARS || !keys.key.endsWith(id)) {
    return { kind: 'bad', why: 'gpg names two different keys for its signature' }
  }
  return { kind: 'good', ...keys }
}

/** The format of a fingerprint from gpg (RFC 4880, 12.2). */
const FINGERPRINT = /^[0-9A-F]{40}$/
/** The number of hexadecimal digits in a long key id (RFC 4880, 12.2). */
const KEY_ID_CHARS = 16

/** Returns the fingerprints in VALIDSIG: that of the signing key and that of its primary key. */
function keysOf(valid: readonly string[] | undefined): { readonly key: string; readonly primary: string } | undefined {
  const [, key = '', , , , , , , , kind = '', primary = ''] = valid ?? []
  const whole = FINGERPRINT.test(key) && FINGERPRINT.test(primary)
  return whole && DOCUMENT_CLASSES.has(kind) ? { key, primary } : undefined
}
