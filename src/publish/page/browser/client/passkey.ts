import { keyByPasskey, passkeySlot, prfSalt } from '../../sealed.ts'
import type { Cipher, Sealed, Slot } from '../../sealed.ts'
import { Fault } from '../fault.ts'

/** ES256 and RS256 (COSE; RFC 9053, RFC 8812), which all authenticators have. */
const ALGORITHMS = [-7, -257] as const
const CHALLENGE_BYTES = 32
const USER_BYTES = 16
/** The time that people have to answer, in milliseconds. */
const ANSWER_LIMIT_MS = 120_000

/** Returns true if passkeys may work here: over https, and at a name, because an address has none. */
export function hasPasskeys(): boolean {
  const isAddress = /^[0-9.]+$|^\[/.test(location.hostname)
  return globalThis.isSecureContext && location.hostname !== '' && !isAddress && 'PublicKeyCredential' in globalThis
}

/**
 * Makes a passkey, and a slot for it.
 *
 * @param name shown by the browser in its list of passkeys
 * @throws {@link Fault} if it was refused, or cannot keep a secret (WebAuthn 3, 10.1.4: prf)
 */
export async function newPasskeySlot(key: Uint8Array, name: string, cipher: Cipher): Promise<Slot> {
  const salt = prfSalt(cipher)
  const made = await answered(
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Postern' },
        user: { id: fresh(USER_BYTES, cipher), name, displayName: name },
        challenge: fresh(CHALLENGE_BYTES, cipher),
        pubKeyCredParams: ALGORITHMS.map((alg) => ({ type: 'public-key', alg })),
        authenticatorSelection: { residentKey: 'preferred', userVerification: 'required' },
        timeout: ANSWER_LIMIT_MS,
        extensions: { prf: {} },
      },
    }),
  )
  if (made.getClientExtensionResults().prf?.enabled !== true) {
    throw new Fault(
      'This passkey cannot keep a secret.',
      'Your browser or device lacks the PRF extension. Use a passphrase.',
    )
  }
  const credential = new Uint8Array(made.rawId)
  const output = await outputOf([{ credential, salt }], cipher)
  return passkeySlot(key, { credential, salt, output: output.bytes }, cipher)
}

/** Returns the key of a sealed profile by one of its passkeys. @throws {@link Fault} if it was refused */
export async function keyByAnyPasskey({ slots }: Sealed, cipher: Cipher): Promise<Uint8Array> {
  const passkeys = slots.filter((slot) => slot.kind === 'passkey')
  const output = await outputOf(passkeys, cipher)
  const slot = passkeys.find(({ credential }) => isSame(credential, output.credential))
  const key = slot === undefined ? undefined : keyByPasskey(slot, output.bytes, cipher)
  if (key === undefined)
    throw new Fault('This passkey does not open the secret.', 'Use another one, or the passphrase.')
  return key
}

async function outputOf(
  passkeys: readonly { readonly credential: Uint8Array; readonly salt: Uint8Array }[],
  cipher: Cipher,
): Promise<{ readonly credential: Uint8Array; readonly bytes: Uint8Array }> {
  const salts = passkeys.map(({ credential, salt }) => [urlText(credential), { first: copied(salt) }] as const)
  const got = await answered(
    navigator.credentials.get({
      publicKey: {
        challenge: fresh(CHALLENGE_BYTES, cipher),
        allowCredentials: passkeys.map(({ credential }) => ({ type: 'public-key', id: copied(credential) })),
        userVerification: 'required',
        timeout: ANSWER_LIMIT_MS,
        extensions: { prf: { evalByCredential: Object.fromEntries(salts) } },
      },
    }),
  )
  const first = got.getClientExtensionResults().prf?.results?.first
  if (first === undefined) {
    throw new Fault(
      'This passkey gave no secret.',
      'Your browser or device lacks the PRF extension. Use the passphrase.',
    )
  }
  const bytes = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first)
  return { credential: new Uint8Array(got.rawId), bytes }
}

async function answered(asked: Promise<Credential | null>): Promise<PublicKeyCredential> {
  const credential = await asked.catch((cause: unknown) => {
    throw new Fault('The passkey was not used.', 'It was cancelled, or your browser refused. Try again.', { cause })
  })
  if (credential instanceof PublicKeyCredential) return credential
  throw new Fault('The passkey was not used.', 'Your browser gave none.')
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.join() === other.join()
}

function copied(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function fresh(bytes: number, cipher: Cipher): Uint8Array<ArrayBuffer> {
  return copied(cipher.random(bytes))
}

/** The form of a credential in evalByCredential: base64url (same source). */
function urlText(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
