/**
 * What gpg's status lines say of a message (GnuPG's doc/DETAILS, "Format of the --status-fd output"). Names in them that
 * others choose are escaped by gpg, so that no line of theirs begins like one of gpg's.
 */
export interface GnupgStatus {
  /** Why the text is not one that was decrypted whole; `undefined`: it is. */
  readonly fault: string | undefined
  readonly signature: Signature
}

/** A message's signature, as far as it says who made it. */
export type Signature =
  | { readonly kind: 'none' }
  /** By a key that is neither revoked nor expired; fingerprints in capital hexadecimal digits. */
  | { readonly kind: 'good'; readonly key: string; readonly primary: string }
  /** The key is not in the ring, so that nothing is known. */
  | { readonly kind: 'unknown'; readonly why: string }
  /** Never one that counts. `key` and `primary`: whose it would be, where gpg says so. */
  | { readonly kind: 'bad'; readonly why: string; readonly key?: string; readonly primary?: string }

/** Begins each status line. */
const PREFIX = '[GNUPG:] '
/** A text is decrypted where each of these is there once, in this order. */
const DECRYPTED = ['BEGIN_DECRYPTION', 'PLAINTEXT', 'DECRYPTION_OKAY', 'END_DECRYPTION']
/** Keywords after which a decrypted text is not to be used. */
const FAILED = new Set(['DECRYPTION_FAILED', 'NODATA', 'BADMDC', 'UNEXPECTED'])
/** Keywords that tell what became of a signature, and why it does not count. */
const SIGNATURES: Readonly<Record<string, string | undefined>> = {
  GOODSIG: undefined,
  EXPSIG: 'its signature has expired',
  EXPKEYSIG: 'its signature is by an expired key',
  REVKEYSIG: 'its signature is by a revoked key',
  BADSIG: 'its signature is bad',
  ERRSIG: 'its signature cannot be checked',
}
/** The reason in ERRSIG where the key is not in the ring. */
const NO_PUBLIC_KEY = '9'
/** Classes of signatures over a document (RFC 4880, 5.2.1): binary and text. */
const DOCUMENT_CLASSES = new Set(['00', '01'])

/** Reads what gpg wrote to its status descriptor while it decrypted a message. A text that was cut off is at fault. */
export function readGnupgStatus(text: string): GnupgStatus {
  const said = saidIn(text)
  const words = said.map(([keyword = '']) => keyword)
  const marks = words.filter((word) => DECRYPTED.includes(word))
  const failed = words.find((word) => FAILED.has(word))
  if (failed !== undefined || marks.join() !== DECRYPTED.join()) {
    const several = marks.filter((word) => word === 'PLAINTEXT').length > 1
    const found = signatureIn(said, said)
    // gpg gives up on an expired signature before it says that it decrypted: why is worth more than that.
    const signature: Signature = found.kind === 'good' ? { kind: 'none' } : found
    const fault = several ? 'it holds several texts' : 'gpg did not decrypt it'
    return { fault: signature.kind === 'bad' ? signature.why : fault, signature }
  }
  // What is signed outside of the encryption is another text.
  const inside = said.slice(words.indexOf('PLAINTEXT'), words.indexOf('DECRYPTION_OKAY'))
  return { fault: undefined, signature: signatureIn(inside, said) }
}

/**
 * What it says of a message's signature, where none is asked for: nothing but `bad` means anything then, which gpg gives a
 * text out with all the same.
 */
export function readGnupgSignature(text: string): Signature {
  const said = saidIn(text)
  return signatureIn(said, said)
}

type Said = readonly (readonly string[])[]

function saidIn(text: string): Said {
  return text
    .split('\n')
    .filter((line) => line.startsWith(PREFIX))
    .map((line) => line.slice(PREFIX.length).trimEnd().split(' '))
}

function signatureIn(inside: Said, said: Said): Signature {
  const judged = said.filter(([keyword = '']) => Object.hasOwn(SIGNATURES, keyword))
  const valid = said.filter(([keyword]) => keyword === 'VALIDSIG')
  const begun = said.filter(([keyword]) => keyword === 'NEWSIG')
  const [one] = judged
  if (one === undefined) {
    return valid.length + begun.length === 0 ? { kind: 'none' } : { kind: 'bad', why: 'its signature is not judged' }
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
    return { kind: 'bad', why: 'its key is never to be trusted', ...keys }
  if (keys === undefined || !inside.includes(one) || !inside.includes(valid[0]!)) {
    return { kind: 'bad', why: 'its signature is not one of what is encrypted' }
  }
  // GOODSIG has a long key id, or the fingerprint as newer versions print it.
  if (id.length < KEY_ID_CHARS || !keys.key.endsWith(id)) {
    return { kind: 'bad', why: 'its signature is good by one key and valid by another' }
  }
  return { kind: 'good', ...keys }
}

/** A fingerprint as gpg writes it (RFC 4880, 12.2). */
const FINGERPRINT = /^[0-9A-F]{40}$/
/** Hexadecimal digits of a long key id (RFC 4880, 12.2). */
const KEY_ID_CHARS = 16

/** The fingerprints in VALIDSIG: of the key that signed, and of its primary key. */
function keysOf(valid: readonly string[] | undefined): { readonly key: string; readonly primary: string } | undefined {
  const [, key = '', , , , , , , , kind = '', primary = ''] = valid ?? []
  const whole = FINGERPRINT.test(key) && FINGERPRINT.test(primary)
  return whole && DOCUMENT_CLASSES.has(kind) ? { key, primary } : undefined
}
