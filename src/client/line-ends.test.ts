// Goal: a file from an editor of Windows, with CR LF and perhaps a byte order mark, reads as on Linux.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateX25519Identity, Encrypter, identityToRecipient } from 'age-encryption'
import { afterAll, expect, test } from 'vitest'
import { TCP } from '../packet/packet.ts'
import { readFwknoprc, settingsFor } from '../peer/fwknop/fwknoprc.ts'
import { formatProfileKey, readCounter, readProfileConfig, readProfileKey } from '../peer/knockknock/profile.ts'
import { formatKey, readKeyFile } from '../spa/noise/key-text.ts'
import { readSecretFile } from './code-rounds.ts'
import { decryptAge } from './published/age.ts'
import { readList } from './published/list.ts'
import { readPassphrase } from './published/passphrase.ts'
import { findService } from './services.ts'
import { readHostConfig } from './spa/config-file.ts'
import { keysFromFile } from './spa/key-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-ends-'))
afterAll(() => rmSync(folder, { recursive: true }))

const BYTE_ORDER_MARK = '\uFEFF'
let files = 0

/** Writes a text to a file with the line ends of Windows. */
function file(text: string, mark = BYTE_ORDER_MARK): string {
  const path = join(folder, String(++files))
  writeFileSync(path, windows(text, mark), { mode: 0o600 })
  return path
}

const windows = (text: string, mark = BYTE_ORDER_MARK): string => `${mark}${text.replaceAll('\n', '\r\n')}`

test("the client's config", () => {
  const text = '# mine\n[gate.test]\nKnock = 7001,7002:udp,icmp/41\nDelay = 5ms\n\n[default]\nRetry = 2\n'
  const read = readHostConfig(windows(text), 'gate.test')
  expect(read.faults).toEqual([])
  expect(read).toEqual(readHostConfig(text, 'gate.test'))
  expect(read.settings).toMatchObject({ delayMs: 5, retry: 2 })
})

test('the secret of codes', async () => {
  const secret = await readSecretFile(file('# of ssh\nGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n'))
  expect(Buffer.from(secret.key).toString()).toBe('12345678901234567890')
})

test('a key for single packets', () => {
  const key = new Uint8Array(32).fill(7)
  const text = `# mine\n${formatKey('postern-user-secret', key)}\n`
  expect(readKeyFile(windows(text), 'postern-user-secret')).toEqual({ value: key })
})

test('a published list, its identity and its passphrase', async () => {
  const list = '# Postern sequences, format 1\n# host: gate.test\n7001,7002,7003\n7004,7005,7006\n'
  const expected = { left: 2, host: 'gate.test', next: [7001, 7002, 7003].map((port) => ({ protocol: TCP, port })) }
  expect(readList(Buffer.from(windows(list)))).toEqual(expected)
  const identity = await generateX25519Identity()
  const [named, worded] = [new Encrypter(), new Encrypter()]
  named.addRecipient(await identityToRecipient(identity))
  worded.setScryptWorkFactor(10)
  worded.setPassphrase('open sesame')
  const passphraseFile = file('open sesame\n', '')
  expect((await readPassphrase(passphraseFile)).toString()).toBe('open sesame')
  const identities = [file(`${identity}\n`)]
  const opened = await decryptAge(await named.encrypt(list), { identities, passphraseFile: undefined })
  expect(Buffer.from(opened).toString()).toBe(list)
  expect(Buffer.from(await decryptAge(await worded.encrypt(list), { identities: [], passphraseFile })).toString()).toBe(
    list,
  )
})

test("fwknop's rc file, and keys as it prints them", () => {
  const text = '[default]\nSPA_SERVER_PORT 62201\n[gate.test]\nACCESS tcp/22\nKEY_BASE64 QUFBQUFBQUFBQUFBQUFBQQ==\n'
  const { stanzas, faults } = readFwknoprc(windows(text))
  expect(faults).toEqual([])
  expect(settingsFor(stanzas, 'gate.test')).toEqual(settingsFor(readFwknoprc(text).stanzas, 'gate.test'))
  const keys = 'KEY_BASE64: QUFBQUFBQUFBQUFBQUFBQQ==\nHMAC_KEY_BASE64: QkJCQkJCQkJCQkJCQkJCQg==\n'
  const read = keysFromFile(file(keys), 'key', 'gate.test')
  expect([read.key, read.hmacKey].map((key) => Buffer.from(key ?? []).toString())).toEqual([
    'A'.repeat(16),
    'B'.repeat(16),
  ])
})

test("knockknock's profile", () => {
  const key = new Uint8Array(16).fill(9)
  expect(readProfileKey(windows(formatProfileKey(key)))).toEqual({ value: key })
  expect(readProfileConfig(windows('[main]\nknock_port = 666\n'))).toEqual({ value: 666 })
  expect(readCounter(windows('17\n'))).toEqual({ value: 17 })
})

test('the names of services', () => {
  expect(findService(windows('# services\nssh 22/tcp secsh #SSH\n'), 'secsh', TCP)).toBe(22)
})
