// Goal: age lists are opened by their own keys and by no others, and no message has any part of a key. Files of the
// real age(1) are in test/lab/from-client.test.ts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { armor, Encrypter, generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ClientError } from '../fault.ts'
import { decrypt } from './decrypt.ts'

/** Cheap on purpose: the work factor is the publisher's. */
const WORK_FACTOR = 4
const PLAIN = '# Postern sequences, format 1\n1,2\n'

const folder = mkdtempSync(join(tmpdir(), 'postern-age-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
const fileOf = (text: string, mode = 0o600): string => {
  const path = join(folder, String(++files))
  writeFileSync(path, text, { mode })
  return path
}

const encrypted = async (set: (encrypter: Encrypter) => void): Promise<Uint8Array> => {
  const encrypter = new Encrypter()
  set(encrypter)
  return encrypter.encrypt(PLAIN)
}

const failure = async (outcome: Promise<unknown>): Promise<ClientError> => {
  const error: unknown = await outcome.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ClientError)
  return error as ClientError
}

let identity: string
let other: string
let list: Uint8Array
beforeAll(async () => {
  ;[identity, other] = await Promise.all([generateX25519Identity(), generateX25519Identity()])
  const recipient = await identityToRecipient(identity)
  list = await encrypted((encrypter) => encrypter.addRecipient(recipient))
})

const open = async (bytes: Uint8Array, identities: readonly string[], passphraseFile?: string): Promise<string> =>
  Buffer.from(await decrypt(bytes, { identities, passphraseFile })).toString()

describe('an age list', () => {
  test('opens by its identity, binary and armored, with comments and other identities beside it', async () => {
    const file = fileOf(`# created: then\n# public key: age1x\n${other}\r\n\n${identity}\n`)
    expect(await open(list, [file])).toBe(PLAIN)
    expect(await open(Buffer.from(armor.encode(list)), [file])).toBe(PLAIN)
    expect(await open(Buffer.from(`\n ${armor.encode(list).replaceAll('\n', '\r\n')}\n`), [file])).toBe(PLAIN)
    expect(await open(list, [fileOf(other), file])).toBe(PLAIN)
  })

  test('opens by a post-quantum identity', async () => {
    const hybrid = await generateHybridIdentity()
    const recipient = await identityToRecipient(hybrid)
    expect(await open(await encrypted((encrypter) => encrypter.addRecipient(recipient)), [fileOf(hybrid)])).toBe(PLAIN)
  })

  test('opens by its passphrase', async () => {
    const locked = await encrypted((encrypter) => {
      encrypter.setPassphrase('correct horse')
      encrypter.setScryptWorkFactor(WORK_FACTOR)
    })
    expect(await open(locked, [], fileOf('correct horse\n'))).toBe(PLAIN)
    const { message } = await failure(open(locked, [], fileOf('wrong horse\n')))
    expect(message).toBe("the list cannot be decrypted: no identity matched any of the file's recipients")
    for (const bad of ['', '\n', 'two\nlines\n']) {
      expect((await failure(open(locked, [], fileOf(bad)))).message).toMatch(/is not a passphrase$/)
    }
  })

  test('does not open by another identity, nor when it was changed', async () => {
    expect((await failure(open(list, [fileOf(other)]))).message).toContain('no identity matched')
    for (const at of [list.length - 1, list.length - 40, 100]) {
      const changed = list.with(at, list[at]! ^ 1)
      expect((await failure(open(changed, [fileOf(identity)]))).message).toMatch(/^the list cannot be decrypted: /)
    }
    const cut = list.subarray(0, list.length - 1)
    expect((await failure(open(cut, [fileOf(identity)]))).message).toMatch(/^the list cannot be decrypted: /)
  })

  test('needs a key', async () => {
    expect(await failure(open(list, []))).toMatchObject({
      message: 'the list is encrypted by age, and no key is given',
      hint: '--identity FILE, or --passphrase-file FILE',
    })
  })
})

test('a file of identities is private, and has nothing else in it', async () => {
  const shared = fileOf(identity, 0o644)
  expect(await failure(open(list, [shared]))).toMatchObject({ hint: `chmod 600 ${shared}` })
  expect((await failure(open(list, [fileOf('# none\n')]))).message).toMatch(/has no identity in it$/)
  const mistyped = `${identity.slice(0, -1)}${identity.endsWith('Q') ? 'P' : 'Q'}`
  for (const bad of [mistyped, identity.slice(0, -5), identity.toLowerCase(), 'AGE-PLUGIN-YUBIKEY-1ABC', 'x']) {
    const { message, hint } = await failure(open(list, [fileOf(`# one\n${bad}\n`)]))
    expect(message).toMatch(/: line 2: is not an age identity$/)
    expect(`${message}${hint}`.toUpperCase()).not.toContain(bad.toUpperCase().slice(16, 30) || '?')
  }
})

test.each(['', PLAIN, '<html>', '-----BEGIN PGP SIGNED MESSAGE-----\n', 'age-encryption.org/v2\n'])(
  '%j is not an encrypted list',
  async (text) => {
    expect((await failure(open(Buffer.from(text), [fileOf(identity)]))).message).toBe('this is not an encrypted list')
  },
)
