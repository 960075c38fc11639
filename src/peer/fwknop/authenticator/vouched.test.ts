// Goal: a fwknop packet of another host opens here what the stanza with the same key allows, wherever the file has that
// stanza.
import { expect, test } from 'vitest'
import { readConfig } from '../../../config/read.ts'
import { parseServices } from '../../../door/part.ts'
import { parseAddress } from '../../../packet/address.ts'
import { TCP } from '../../../packet/packet.ts'
import { SYSTEM_CLOCK } from '../../../secret/clock.ts'
import { HolderMarks } from '../../../secret/holder-marks.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { boundedBy } from '../../../secret/vouched.ts'
import type { Judged, Vouched } from '../../../secret/vouched.ts'
import { readAccess } from '../access.ts'
import type { Stanza } from '../stanza.ts'
import { holderOf, markOfStanza, printOfStanza } from './holders.ts'
import { judgeByKey } from './vouched.ts'

const marks = new HolderMarks(new Uint8Array(32).fill(1))
const CONFIG =
  '[d]\nSPA = fwknop\nAccess_File = /etc/access.conf\nOpen_Ports = tcp/22,tcp/80\nForward_To = tcp/8080@198.51.100.7\n'
const door = readConfig(CONFIG, 'k').config!.doors[0] as PacketDoor
const SIGNER = 'A'.repeat(40)
const base64 = (byte: number): string => Buffer.alloc(32, byte).toString('base64')
const keys = (byte: number, more = ''): string =>
  `SOURCE ANY\nKEY_BASE64 ${base64(byte)}\nHMAC_KEY_BASE64 ${base64(byte + 100)}\n${more}`
const signed = (lines: string): string =>
  `SOURCE ANY\nGPG_HOME_DIR /root/.gnupg\nGPG_DECRYPT_ID server\nGPG_ALLOW_NO_PW Y\nHMAC_KEY_BASE64 ${base64(9)}\n${lines}\n`

const stanzas = (text: string): readonly Stanza[] => readAccess(text).stanzas
/** The opening that a host with these stanzas makes for the first of them. */
const judge = (there: string, here: string, of: Partial<Vouched> = {}, signer?: string): Judged => {
  const print = printOfStanza(stanzas(there)[0]!, signer)
  const source = parseAddress('192.0.2.7')!
  const from = { door: 'd', source, ms: 60_000, user: 'access.conf:1', protocol: TCP, port: 62_201 } as const
  const vouched = { ...from, services: parseServices('tcp/22'), isKey: (key: string) => key === print, ...of }
  const bounded = boundedBy(door, vouched)
  if ('refusal' in bounded) return bounded
  return judgeByKey(stanzas(here), door, { bounded, vouched, marks, clock: SYSTEM_CLOCK, isOwn: () => false })
}

test('the key decides, not the line: that of another stanza in the same place opens nothing', () => {
  const here = keys(2) + keys(1)
  const [, own] = stanzas(here)
  expect(judge(keys(1), here)).toMatchObject({
    user: holderOf(door, own!, undefined),
    holder: markOfStanza(marks, own!),
    ms: 60_000,
  })
  expect(judge(keys(1), keys(2))).toEqual({ refusal: 'no stanza here has the key that opened it' })
  expect(judge(keys(1), '')).toHaveProperty('refusal')
})

test.each([
  ['its ports', 'OPEN_PORTS tcp/80\n', {}],
  ['ports that it does not open', 'RESTRICT_PORTS tcp/22\n', {}],
  ['its end', 'ACCESS_EXPIRE_EPOCH 1000\n', {}],
  ['another name', 'REQUIRE_USERNAME bob\n', { claimedUser: 'alice' }],
  ['no name', 'REQUIRE_USERNAME bob\n', {}],
  ['commands in place of ports', 'CMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE NONE\n', {}],
  ['a forced target', 'FORCE_NAT 198.51.100.7 8080\n', {}],
  ['another target', '', { forward: { address: parseAddress('198.51.100.8')!, port: 8080 } }],
])('the stanza here counts: %s', (_, line, of) => {
  expect(judge(keys(1), keys(1, line), of)).toHaveProperty('refusal')
})

test('its SOURCE is for the address, and its times are a bound', () => {
  const here = keys(1, 'FW_ACCESS_TIMEOUT 5\nMAX_FW_TIMEOUT 10\n')
  expect(judge(keys(1), here)).toMatchObject({ ms: 10_000 })
  expect(judge(keys(1), here.replace('ANY', '198.51.100.0/24'))).toHaveProperty('refusal')
  expect(judge(keys(1), here.replace('ANY', '192.0.2.0/24'))).toMatchObject({ ms: 10_000 })
})

test('a required signature is required of the other host as well, by a key that counts', () => {
  const unsigned = signed('GPG_DISABLE_SIG Y')
  const byFinger = signed(`GPG_FINGERPRINT_ID ${SIGNER}`)
  const both = signed(`GPG_FINGERPRINT_ID ${'B'.repeat(40)}\nGPG_REMOTE_ID ${SIGNER.slice(-16)}`)
  const byId = signed(`GPG_REMOTE_ID ${SIGNER.slice(-16)}`)
  expect(judge(byFinger, byFinger, {}, SIGNER)).toHaveProperty('holder')
  expect(judge(unsigned, unsigned)).toHaveProperty('holder')
  expect(judge(unsigned, byFinger)).toHaveProperty('refusal')
  expect(judge(byId, byId, {}, SIGNER)).toHaveProperty('holder')
  expect(judge(byId, both, {}, SIGNER)).toHaveProperty('refusal')
})
