import { decodeBase64, encodeBase64 } from '../../spa/base64.ts'

/** The work factor of scrypt, as log2: that of the age tools. With blocks of 8 it takes 256 MiB. */
export const WORK_FACTOR = 18
/** The lowest and highest work factor that is opened. The value 20 takes a gibibyte, more than a phone gives a page. */
const WORK_FACTOR_MIN = 10
const WORK_FACTOR_MAX = 20
/** The length of keys and salts, in bytes. */
export const KEY_BYTES = 32
const SALT_BYTES = 16
/** The length of a Poly1305 tag, in bytes. */
const TAG_BYTES = 16
/** The most ways to open one sealed text: a passphrase, and a passkey for each device. */
export const SLOTS_MAX = 8
/** The longest sealed text, in characters. */
export const SEALED_MAX_CHARS = 16_384
/** The longest credential of a passkey, in bytes (WebAuthn 3, 5.8.3). */
const CREDENTIAL_MAX_BYTES = 1_023
const FORMAT = 'postern-sealed-1'

/**
 * The ciphers that sealing needs. ChaCha20-Poly1305 (RFC 8439) has a nonce of zeros, because every key encrypts one
 * text.
 */
export interface Cipher {
  readonly random: (bytes: number) => Uint8Array
  readonly encrypt: (key: Uint8Array, text: Uint8Array) => Uint8Array
  /** Returns `undefined` for another key or a changed text. */
  readonly decrypt: (key: Uint8Array, text: Uint8Array) => Uint8Array | undefined
  /** scrypt (RFC 7914) with r = 8, p = 1, and a key of {@link KEY_BYTES}. */
  readonly stretch: (passphrase: string, salt: Uint8Array, workFactor: number) => Promise<Uint8Array>
  /** HKDF with SHA-256 (RFC 5869), and a key of {@link KEY_BYTES}. */
  readonly derive: (secret: Uint8Array, salt: Uint8Array, info: string) => Uint8Array
}

/** A way to the key of a sealed text. */
export type Slot =
  | { readonly kind: 'passphrase'; readonly workFactor: number; readonly salt: Uint8Array; readonly key: Uint8Array }
  /** `salt` is the input of the authenticator's PRF, too. */
  | { readonly kind: 'passkey'; readonly credential: Uint8Array; readonly salt: Uint8Array; readonly key: Uint8Array }

/** An encrypted text, and the ways to its key. */
export interface Sealed {
  readonly box: Uint8Array
  readonly slots: readonly Slot[]
}

/** Encrypts a text under a fresh key, which no slot has yet. */
export function seal(text: string, cipher: Cipher): { readonly sealed: Sealed; readonly key: Uint8Array } {
  const key = cipher.random(KEY_BYTES)
  return { sealed: { box: cipher.encrypt(key, new TextEncoder().encode(text)), slots: [] }, key }
}

/** Decrypts a sealed text. Returns `undefined` for another key or a changed text. */
export function unseal({ box }: Sealed, key: Uint8Array, cipher: Cipher): string | undefined {
  const bytes = cipher.decrypt(key, box)
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes)
}

/** Adds a way to the key. The oldest passkey is dropped beyond {@link SLOTS_MAX}. */
export function withSlot({ box, slots }: Sealed, slot: Slot): Sealed {
  const others = slots.filter(({ kind }) => kind !== 'passphrase' || kind !== slot.kind)
  const spare = others.length < SLOTS_MAX ? undefined : others.find(({ kind }) => kind === 'passkey')
  return { box, slots: [...others.filter((each) => each !== spare), slot] }
}

/** Makes the slot of a passphrase. */
export async function passphraseSlot(
  key: Uint8Array,
  passphrase: string,
  cipher: Cipher,
  workFactor = WORK_FACTOR,
): Promise<Slot> {
  const salt = cipher.random(SALT_BYTES)
  const wrapping = await cipher.stretch(plain(passphrase), labelled('passphrase', salt), workFactor)
  return { kind: 'passphrase', workFactor, salt, key: cipher.encrypt(wrapping, key) }
}

/** Returns the key by a passphrase; `undefined`: it is wrong, or there is no such slot. */
export async function keyByPassphrase(
  { slots }: Sealed,
  passphrase: string,
  cipher: Cipher,
): Promise<Uint8Array | undefined> {
  const slot = slots.find((each) => each.kind === 'passphrase')
  if (slot === undefined) return undefined
  const wrapping = await cipher.stretch(plain(passphrase), labelled('passphrase', slot.salt), slot.workFactor)
  return cipher.decrypt(wrapping, slot.key)
}

/** Returns the salt for a new passkey's PRF. */
export function prfSalt(cipher: Cipher): Uint8Array {
  return cipher.random(KEY_BYTES)
}

/** Makes the slot of a passkey. @param output of its PRF for the salt (WebAuthn 3, 10.1.4) */
export function passkeySlot(
  key: Uint8Array,
  {
    credential,
    salt,
    output,
  }: { readonly credential: Uint8Array; readonly salt: Uint8Array; readonly output: Uint8Array },
  cipher: Cipher,
): Slot {
  return { kind: 'passkey', credential, salt, key: cipher.encrypt(cipher.derive(output, salt, PASSKEY_INFO), key) }
}

/** Returns the key by the PRF's output of a passkey; `undefined`: it is another passkey's. */
export function keyByPasskey(slot: Slot, output: Uint8Array, cipher: Cipher): Uint8Array | undefined {
  return cipher.decrypt(cipher.derive(output, slot.salt, PASSKEY_INFO), slot.key)
}

const PASSKEY_INFO = `${FORMAT} passkey`

/** Formats a sealed text as words with blanks between them. */
export function formatSealed({ box, slots }: Sealed): string {
  const words = slots.map((slot) => {
    const first = slot.kind === 'passphrase' ? String(slot.workFactor) : encodeBase64(slot.credential)
    return [slot.kind, first, encodeBase64(slot.salt), encodeBase64(slot.key)].join(':')
  })
  return [FORMAT, encodeBase64(box), ...words].join(' ')
}

/** Reads what {@link formatSealed} made. Returns `undefined` for any other text. */
export function parseSealed(text: string): Sealed | undefined {
  if (text.length > SEALED_MAX_CHARS) return undefined
  const [format, box = '', ...words] = text.split(' ')
  const bytes = decodeBase64(box)
  const slots = words.map(parseSlot)
  if (format !== FORMAT || bytes === undefined || bytes.length <= TAG_BYTES) return undefined
  if (slots.length === 0 || slots.length > SLOTS_MAX || slots.includes(undefined)) return undefined
  return { box: bytes, slots: slots as readonly Slot[] }
}

function parseSlot(word: string): Slot | undefined {
  const [kind, first = '', ...rest] = word.split(':')
  const [salt, key, more] = rest.map(decodeBase64)
  if (salt === undefined || key?.length !== KEY_BYTES + TAG_BYTES || more !== undefined) return undefined
  if (kind === 'passphrase') {
    const workFactor = Number(first)
    const isGood = /^[1-9][0-9]$/.test(first) && workFactor >= WORK_FACTOR_MIN && workFactor <= WORK_FACTOR_MAX
    return isGood && salt.length === SALT_BYTES ? { kind, workFactor, salt, key } : undefined
  }
  const credential = decodeBase64(first)
  if (kind !== 'passkey' || salt.length !== KEY_BYTES || credential === undefined) return undefined
  const isGood = credential.length > 0 && credential.length <= CREDENTIAL_MAX_BYTES
  return isGood ? { kind, credential, salt, key } : undefined
}

/** The same passphrase is typed as other code points on other keyboards (Unicode, UAX 15). */
function plain(passphrase: string): string {
  return passphrase.normalize('NFKC')
}

/** A label keeps keys of other programs apart. */
function labelled(what: string, salt: Uint8Array): Uint8Array {
  return Uint8Array.from([...new TextEncoder().encode(`${FORMAT} ${what}`), ...salt])
}
