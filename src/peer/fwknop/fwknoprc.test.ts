// Goal: a ~/.fwknoprc means the same here as in the real client. Every directive of fwknop(8) is obeyed or refused by
// name. No text makes reading throw, and no fault repeats a key.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatFault } from '../../text/fault.ts'
import { parseAddress } from '../../packet/address.ts'
import { readFwknoprc, settingsFor } from './fwknoprc.ts'
import { RC } from './rc-directives.ts'
import type { RcSettings } from './rc-directives.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Returns the settings of the stanza `gate` of a file; throws if the file has a fault. */
function settings(text: string): RcSettings {
  const read = settingsFor(readFwknoprc(text).stanzas, 'gate')
  const faults = [...readFwknoprc(text).faults, ...read.faults]
  if (faults.length > 0) throw new Error(faults.map((each) => formatFault('rc', each)).join('\n'))
  return read.settings
}

/** Returns the faults of a stanza `gate` with this line. */
function fault(line: string): string {
  const { stanzas, faults } = readFwknoprc(`[gate]\n${line}\n`)
  return [...faults, ...settingsFor(stanzas, 'gate').faults].map((each) => formatFault('rc', each)).join('\n')
}

test('the default stanza applies to all hosts, a named one overrides it, and others do not count', () => {
  const text = `# comment\n; comment\n[default]\nSPA_SERVER_PORT 1000\nSPOOF_USER all ; more\n[other]\nSPA_SERVER_PORT x\n[gate]\nSPA_SERVER_PORT: 2000\n`
  expect(settings(text)).toEqual({ port: 2_000, user: 'all' })
  expect(settingsFor(readFwknoprc(text).stanzas, undefined).settings).toEqual({ port: 1_000, user: 'all' })
  expect(settingsFor(readFwknoprc(text).stanzas, 'other').faults).toHaveLength(1)
})

test.each<[string, RcSettings]>([
  ['SPA_SERVER gate.example.org', { server: 'gate.example.org' }],
  ['SPA_SERVER_PROTO UDP', {}],
  ['RAND_PORT Y', { randomPort: true }],
  ['SPA_SOURCE_PORT 5000', { sourcePort: 5_000 }],
  [
    'ACCESS tcp/22,udp/53',
    {
      access: [
        { protocol: 6, port: 22 },
        { protocol: 17, port: 53 },
      ],
    },
  ],
  ['ALLOW_IP source', { allow: { kind: 'source' } }],
  ['ALLOW_IP 192.0.2.7', { allow: { kind: 'address', address: parseAddress('192.0.2.7')! } }],
  ['KEY secret#not this', { key: ascii('secret') }],
  ['KEY_BASE64: c2VjcmV0', { key: ascii('secret') }],
  ['HMAC_KEY other', { hmacKey: ascii('other') }],
  ['HMAC_KEY_BASE64 b3RoZXI=', { hmacKey: ascii('other') }],
  ['USE_HMAC y', { useHmac: true }],
  ['HMAC_DIGEST_TYPE SHA3_512', { hmacDigest: 'sha3_512' }],
  ['DIGEST_TYPE md5', { digest: 'md5' }],
  ['ENCRYPTION_MODE legacy', { mode: 'legacy' }],
  ['FW_TIMEOUT 60', { timeoutS: 60 }],
  ['NAT_ACCESS 10.1.1.5,22', { natAccess: '10.1.1.5,22' }],
  ['NAT_LOCAL Y', { natLocal: true }],
  ['NAT_PORT 2222', { natPort: 2_222 }],
  ['TIME_OFFSET -2m', { timeOffsetS: -120 }],
  ...(
    [
      ['+1H', 3_600],
      ['1h', 3_600],
      ['1hours', 3_600],
      ['-1H', -3_600],
      ['60', 60],
      ['+60S', 60],
      ['2M', 120],
      ['1Min', 60],
      ['1minutes', 60],
      ['+1days', 86_400],
      ['1D', 86_400],
      ['0', 0],
    ] as const
  ).map(([text, timeOffsetS]): [string, RcSettings] => [`TIME_OFFSET ${text}`, { timeOffsetS }]),
  ['USE_GPG Y\nGPG_RECIPIENT ABCD\nGPG_SIGNER EF01', { useGnupg: true, gnupg: { recipient: 'ABCD', signer: 'EF01' } }],
  ['RESOLVE_IP_HTTPS N', {}],
  ['VERBOSE 2', {}],
  // The value is missing, and a comment follows.
  ['WGET_CMD  # none\nVERBOSE: ;', {}],
])('%j', (line, expected) => {
  expect(settings(`[gate]\n${line}\n`)).toEqual(expected)
})

describe('faults', () => {
  test.each([
    ['KEY_BAS64 x', 'rc:2:1: error: unknown directive `KEY_BAS64`\n    did you mean `KEY_BASE64`?'],
    [
      'SPA_SERVER_PORT 0',
      'rc:2:17: error: SPA_SERVER_PORT: `0` is below the bound\n    a whole number from 1 to 65535',
    ],
    ...['2seconds', '1.5h', '1d2h', '1w', '++1', '-', 'h'].map((text): [string, string] => [
      `TIME_OFFSET ${text}`,
      `rc:2:13: error: TIME_OFFSET: \`${text}\` is not a time\n    as in \`60\`, \`+2m\` or \`-1h\``,
    ]),
    ['SPA_SERVER_PROTO tcp', 'rc:2:18: error: SPA_SERVER_PROTO: `tcp` is not supported\n    packets are sent over UDP'],
    ['ACCESS icmp/8', 'rc:2:8: error: ACCESS: `icmp/8` is not a list of ports\n    as in `tcp/22,udp/53`'],
    ['  USE_HMAC maybe', 'rc:2:12: error: USE_HMAC: `maybe` is neither Y nor N\n    write `Y` or `N`'],
    ['KEY_BASE64 $$secret$$', 'rc:2:12: error: KEY_BASE64: the key is not base64\n    as `fwknop --key-gen` prints it'],
    [`KEY ${'k'.repeat(33)}`, 'rc:2:5: error: KEY: the key is too long\n    at most 32 bytes'],
    ['KEY', 'rc:2:1: error: this line has no value\n    write `NAME value`'],
    ['KEY = x', 'rc:2:1: error: this line has no value\n    write `NAME value`'],
    [
      'SPOOF_SOURCE_IP 192.0.2.1',
      'rc:2:1: error: SPOOF_SOURCE_IP is not supported\n    packets have an address of this machine: choose one with --source',
    ],
  ])('%j', (line, expected) => {
    expect(fault(line)).toBe(expected)
  })

  test('a line before the first stanza is a fault', () => {
    expect(readFwknoprc('KEY x\n').faults).toMatchObject([{ line: 1, message: '`KEY` is before the first stanza' }])
  })

  test('no text makes reading throw, and no fault repeats a key', () => {
    const names = fc.constantFrom(...RC.spellings, '[gate]', '[', '#', 'constructor')
    const values = fc.oneof(fc.string({ maxLength: 40 }), fc.constantFrom('Y', 'N', '', '10'))
    fc.assert(
      fc.property(fc.array(fc.tuple(names, values), { maxLength: 20 }), (lines) => {
        const text = lines.map(([name, value]) => `${name} ${value}`).join('\n')
        const { stanzas } = readFwknoprc(text)
        settingsFor(stanzas, 'gate')
      }),
    )
    for (const name of [
      'KEY',
      'KEY_BASE64',
      'HMAC_KEY',
      'HMAC_KEY_BASE64',
      'GPG_SIGNING_PW',
      'GPG_SIGNING_PW_BASE64',
    ]) {
      const secret = `hush!${'ä'.repeat(200)}`
      expect(fault(`${name} ${secret}`)).toMatch(/the key/)
      expect(fault(`${name} ${secret}`)).not.toContain('hush')
    }
  })
})
