// Goal: a user of a stanza is known by its keys, or by the signing key, while the file names them.
import { expect, test } from 'vitest'
import type { Held } from '../../../door/held.ts'
import { readAccess } from '../access.ts'
import { isSigner } from '../grant.ts'
import type { Stanza } from '../stanza.ts'
import { HolderMarks } from '../../../secret/holder-marks.ts'
import { markOfStanza, marksOfStanza, stanzaPermits, stanzasLeft } from './holders.ts'

const marks = new HolderMarks(new Uint8Array(32).fill(1))
const ALICE = 'A'.repeat(40)
const BOB = 'B'.repeat(40)
const base64 = (byte: number): string => Buffer.alloc(32, byte).toString('base64')
const keys = (byte: number): string => `SOURCE ANY\nKEY_BASE64 ${base64(byte)}\nHMAC_KEY_BASE64 ${base64(byte + 100)}\n`
const gnupg = (signers: string): string =>
  `SOURCE ANY\nGPG_DECRYPT_ID server\nGPG_ALLOW_NO_PW Y\nGPG_FINGERPRINT_ID ${signers}\nHMAC_KEY_BASE64 ${base64(9)}\n`
const stanzas = (text: string): readonly Stanza[] => {
  const { stanzas: found, faults } = readAccess(text)
  expect(faults.filter(({ severity }) => severity === 'error')).toEqual([])
  return found
}
const one = (text: string): Stanza => stanzas(text)[0]!

test('other keys mean another user, other bounds do not', () => {
  const mark = markOfStanza(marks, one(keys(1)))
  expect(marksOfStanza(marks, one(`${keys(1)}OPEN_PORTS tcp/80\n`))).toContain(mark)
  expect(marksOfStanza(marks, one(keys(2)))).not.toContain(mark)
})

test('one of several signers can be removed alone', () => {
  const both = one(gnupg(`${ALICE},${BOB}`))
  const [alice, bob] = [ALICE, BOB].map((signer) => markOfStanza(marks, both, signer))
  const left = marksOfStanza(marks, one(gnupg(BOB)))
  expect([left.includes(alice!), left.includes(bob!)]).toEqual([false, true])
})

const held = (services: string | undefined, forward?: string): Held => ({
  door: 'd',
  source: '192.0.2.7',
  services,
  forward,
  holder: undefined,
  user: undefined,
})

test('an opening stays within the ports and the expiry of the stanza', () => {
  const open = one(`${keys(1)}OPEN_PORTS tcp/22,udp/53\nRESTRICT_PORTS tcp/23\nACCESS_EXPIRE_EPOCH 1000\n`)
  expect(stanzaPermits(open, held('tcp/22,udp/53'), 0)).toBe(true)
  expect(stanzaPermits(open, held('tcp/22,tcp/80'), 0)).toBe(false)
  expect(stanzaPermits(open, held('tcp/22'), 1_000_000)).toBe(false)
  expect(stanzaPermits(one(`${keys(1)}RESTRICT_PORTS tcp/22\n`), held('tcp/22'), 0)).toBe(false)
  expect(stanzaPermits(one(keys(1)), held(undefined), 0)).toBe(true)
})

test('an opening stays within the forwards of the stanza', () => {
  const sent = held('tcp/22', 'here,3306')
  expect(stanzaPermits(one(`${keys(1)}OPEN_PORTS tcp/22,tcp/3306\n`), sent, 0)).toBe(true)
  expect(stanzaPermits(one(`${keys(1)}OPEN_PORTS tcp/22\n`), sent, 0)).toBe(false)
  expect(stanzaPermits(one(`${keys(1)}RESTRICT_PORTS tcp/3306\n`), sent, 0)).toBe(false)
  const forced = one(`${keys(1)}OPEN_PORTS tcp/22\nFORCE_NAT 198.51.100.7 8080\n`)
  expect(stanzaPermits(forced, held('tcp/22', '198.51.100.7,8080'), 0)).toBe(true)
  expect(stanzaPermits(forced, held('tcp/22', 'here,8080'), 0)).toBe(true)
  for (const other of ['198.51.100.8,8080', '198.51.100.7,22']) {
    expect(stanzaPermits(forced, held('tcp/22', other), 0)).toBe(false)
  }
  // The door's commands opened this beside it.
  expect(stanzaPermits(forced, held('tcp/22'), 0)).toBe(true)
})

test('if a file cannot be read, stanzas stay whose keys are still in it', () => {
  const before = [...stanzas(keys(1)), ...stanzas(keys(2)), ...stanzas(gnupg(ALICE)), ...stanzas(gnupg(BOB))]
  const text = `nonsense\n${keys(2)}# KEY_BASE64 ${base64(1)}\nGPG_FINGERPRINT_ID ${BOB}\r\n`
  expect(stanzasLeft(before, text)).toEqual([before[1], before[3]])
})

test('in such a file, a fingerprint counts in every spelling', () => {
  const [before, blanks] = [stanzas(gnupg(ALICE)), ALICE.toLowerCase().replaceAll(/(.{4})/g, '$1 ')]
  expect(stanzasLeft(before, `nonsense\nGPG_FINGERPRINT_ID 0x${blanks}\n`)).toEqual(before)
})

test('if a file that includes others cannot be read, stanzas stay whose own file exists and is unreadable', () => {
  const [first, second] = [one(keys(1)), one(keys(2))]
  const [ann, bob] = [
    { ...first, file: '/users/ann.conf' },
    { ...second, file: '/users/bob.conf' },
  ]
  expect(stanzasLeft([ann, bob], 'nonsense\n', ({ file }) => file === ann.file)).toEqual([ann])
})

test('in such a file, signers stay who are still named in it', () => {
  const left = stanzasLeft(stanzas(gnupg(`${ALICE},${BOB}`)), `nonsense\n${gnupg(BOB)}`)
  const [alice, bob] = [ALICE, BOB].map((signer) => isSigner(left[0]!.gnupg!.signers!, signer))
  expect([alice, bob]).toEqual([false, true])
  const ids = `GPG_REMOTE_ID ${'C'.repeat(8)}\n`
  expect(stanzasLeft(stanzas(`${gnupg(ALICE)}${ids}`), `nonsense\n${ids}`)).toEqual([])
})
