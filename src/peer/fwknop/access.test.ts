// Goal: an access.conf that fwknopd accepts means the same here, or is refused with the line and what to do. No
// directive of fwknopd(8) is ignored, no text makes reading throw, and no key is repeated in a fault.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { formatFault } from '../../text/fault.ts'
import { formatNetwork } from '../../packet/network.ts'
import { ACCESS_MAX_CHARS, ACCESS_STANZAS_MAX, readAccess } from './access.ts'
import type { Stanza } from './access.ts'
import { ACCESS, INCLUDES } from './access-directives.ts'
import { isSigner } from './grant.ts'

const fixture = (name: string): string =>
  readFileSync(new URL(`../../../test/fixtures/spa/${name}`, import.meta.url), 'utf8')
const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const faultsOf = (text: string): readonly string[] =>
  readAccess(text).faults.map((fault) => formatFault('access.conf', fault))
const networks = (list: Stanza['sources']): readonly string[] => list.map(formatNetwork)
const KEYS = 'KEY a phrase\nHMAC_KEY another phrase\n'

/** A stanza of `SOURCE ANY`, two keys and the given lines, which has to be the only one. */
function stanzaOf(lines: string): Stanza {
  const { stanzas, faults } = readAccess(`SOURCE ANY\n${KEYS}${lines}\n`)
  expect(faults.filter(({ severity }) => severity === 'error')).toEqual([])
  expect(stanzas).toHaveLength(1)
  return stanzas[0]!
}

describe('a file that fwknopd accepts', () => {
  const { stanzas, faults } = readAccess(fixture('access.conf'))

  test('has no faults', () => {
    expect(faults).toEqual([])
    expect(stanzas.map(({ line }) => line)).toEqual([4, 18, 30, 43, 53])
  })

  test('a stanza with everything about one port is read', () => {
    const stanza = stanzas[0]!
    expect(networks(stanza.sources)).toEqual(['192.0.2.0/24', '198.51.100.7'])
    expect(networks(stanza.destinations)).toEqual(['203.0.113.1'])
    expect(stanza).toMatchObject({
      openPorts: [
        { protocol: 6, port: 22 },
        { protocol: 17, port: 53 },
      ],
      restrictPorts: [{ protocol: 6, port: 25 }],
      rijndael: { key: Uint8Array.from({ length: 32 }, (_, index) => index), mode: 'cbc' },
      hmac: { key: Uint8Array.from({ length: 64 }, (_, index) => 64 + index), digest: 'sha256' },
      gnupg: undefined,
      accessTimeoutS: 60,
      maxTimeoutS: 600,
      requireUsername: ['alice', 'bob'],
      requireSourceAddress: true,
      expiresMs: Date.UTC(2030, 11, 31),
      forceNat: { host: '192.168.1.3', port: 22 },
      commands: undefined,
      cycle: undefined,
    })
  })

  test('a stanza in the style of earlier years is read', () => {
    const stanza = stanzas[1]!
    expect(networks(stanza.sources)).toEqual(['198.51.100.0/24'])
    expect(stanza).toMatchObject({
      destinations: [],
      openPorts: undefined,
      rijndael: { key: ascii('pass phrase'), mode: 'legacy' },
      hmac: { key: ascii('another phrase'), digest: 'sha512' },
      accessTimeoutS: 30,
      maxTimeoutS: 300,
      requireSourceAddress: false,
      expiresMs: 1_924_905_600_000,
      commands: { user: 'nobody', group: 'nogroup' },
    })
  })

  test('GnuPG and Rijndael side by side, and a command cycle, are read', () => {
    expect(stanzas[2]).toMatchObject({
      sources: [],
      rijndael: { key: ascii('one more phrase') },
      gnupg: {
        homeDir: '/etc/fwknop/gnupg',
        decryptId: 'server@example.org',
        passphrase: ascii('gpg phrase'),
        signers: { ids: [], fingerprints: ['00CC95F05BC146B6AC4038C9E36F443C6A3FAD56'] },
      },
      cycle: {
        open: '/usr/sbin/ipset add guests $IP',
        close: '/usr/sbin/ipset del guests $IP',
        timerS: 90,
      },
    })
  })

  test('GnuPG alone, without signatures, is read', () => {
    expect(stanzas[3]).toMatchObject({
      rijndael: undefined,
      gnupg: { homeDir: '/root/.gnupg', decryptId: undefined, passphrase: undefined, signers: undefined },
      cycle: { close: undefined, timerS: 0 },
    })
  })

  test('a time of 0 means fwknopd’s default', () => {
    expect(stanzas[4]).toMatchObject({ accessTimeoutS: 30, maxTimeoutS: 300, gnupg: undefined, commands: undefined })
    expect(stanzaOf('MAX_FW_TIMEOUT 0').maxTimeoutS).toBe(300)
  })
})

test('each fault of a file has its place, and says what would be right', () => {
  const { stanzas, faults } = readAccess(fixture('access-faults.conf'))
  expect(stanzas).toEqual([])
  expect(faults.map((fault) => `${formatFault('access.conf', fault)}\n`).join('')).toBe(fixture('access-faults.txt'))
})

/**
 * The variables of fwknopd(8), "ACCESS.CONF VARIABLES", in its order; then those of its access.conf and its messages.
 */
const MANUAL: Readonly<Record<string, string>> = {
  SOURCE: '192.0.2.7',
  DESTINATION: '192.0.2.7',
  OPEN_PORTS: 'tcp/22',
  RESTRICT_PORTS: 'tcp/22',
  KEY: 'yet another phrase',
  KEY_BASE64: 'AAECAwQFBgcICQ==',
  HMAC_KEY: 'yet another phrase',
  HMAC_KEY_BASE64: 'AAECAwQFBgcICQ==',
  FW_ACCESS_TIMEOUT: '17',
  '%include': '/etc/fwknop/more.conf',
  '%include_folder': '/etc/fwknop/more.d',
  ENCRYPTION_MODE: 'CTR',
  HMAC_DIGEST_TYPE: 'SHA3_512',
  ACCESS_EXPIRE: '12/31/2030',
  ACCESS_EXPIRE_EPOCH: '1924905600',
  ENABLE_CMD_EXEC: 'Y',
  ENABLE_CMD_SUDO_EXEC: 'Y',
  CMD_EXEC_USER: 'nobody',
  CMD_SUDO_EXEC_USER: 'root',
  CMD_EXEC_GROUP: 'nogroup',
  CMD_SUDO_EXEC_GROUP: 'root',
  CMD_CYCLE_OPEN: '/usr/sbin/ipset add guests $IP',
  CMD_CYCLE_CLOSE: '/usr/sbin/ipset del guests $IP',
  CMD_CYCLE_TIMER: '17',
  SUDO_EXE: '/usr/bin/sudo',
  REQUIRE_USERNAME: 'alice',
  REQUIRE_SOURCE_ADDRESS: 'Y',
  FORCE_NAT: '192.168.1.3 22',
  FORCE_SNAT: '192.168.1.1',
  FORCE_MASQUERADE: 'Y',
  FORWARD_ALL: 'Y',
  DISABLE_DNAT: 'Y',
  GPG_DECRYPT_ID: '1234ABCD',
  GPG_DECRYPT_PW: 'gpg phrase',
  GPG_ALLOW_NO_PW: 'Y',
  GPG_REQUIRE_SIG: 'Y',
  GPG_DISABLE_SIG: 'Y',
  GPG_IGNORE_SIG_VERIFY_ERROR: 'Y',
  GPG_REMOTE_ID: '1234ABCD',
  GPG_FINGERPRINT_ID: '00CC95F05BC146B6AC4038C9E36F443C6A3FAD56',
  GPG_HOME_DIR: '/etc/fwknop/gnupg',
  GPG_EXE: '/usr/local/bin/gpg',
  MAX_FW_TIMEOUT: '17',
  REQUIRE_SOURCE: 'Y',
  '%include_keys': '/etc/fwknop/keys.conf',
}

describe('every directive of fwknopd(8)', () => {
  test('is known here, and no other one is', () => {
    expect([...ACCESS.spellings].sort()).toEqual(Object.keys(MANUAL).sort())
  })

  /** The lines that some directives need beside them to have an effect. */
  const beside: Readonly<Record<string, string>> = {
    CMD_EXEC_USER: 'ENABLE_CMD_EXEC Y\n',
    CMD_EXEC_GROUP: 'ENABLE_CMD_EXEC Y\n',
    CMD_CYCLE_OPEN: 'CMD_CYCLE_CLOSE NONE\n',
    CMD_CYCLE_CLOSE: 'CMD_CYCLE_OPEN /usr/bin/logger $IP\nCMD_CYCLE_TIMER 9\nCMD_CYCLE_CLOSE NONE\n',
    CMD_CYCLE_TIMER: 'CMD_CYCLE_OPEN /usr/bin/logger $IP\nCMD_CYCLE_CLOSE /usr/bin/logger $IP\nCMD_CYCLE_TIMER 9\n',
    GPG_DECRYPT_ID: 'GPG_DECRYPT_PW x\nGPG_REMOTE_ID 12345678\n',
    GPG_DECRYPT_PW: 'GPG_DECRYPT_PW x\nGPG_REMOTE_ID 12345678\n',
    GPG_ALLOW_NO_PW: 'GPG_REMOTE_ID 12345678\n',
    GPG_REMOTE_ID: 'GPG_DECRYPT_PW x\nGPG_REMOTE_ID 12345678\n',
    GPG_FINGERPRINT_ID: 'GPG_DECRYPT_PW x\nGPG_REMOTE_ID 12345678\n',
    GPG_HOME_DIR: 'GPG_DECRYPT_PW x\nGPG_REMOTE_ID 12345678\n',
    GPG_DISABLE_SIG: 'GPG_DECRYPT_PW x\n',
  }

  test.each(Object.entries(MANUAL))('%s is obeyed, or refused by name', (name, value) => {
    const before = `SOURCE ANY\n${KEYS}${beside[name] ?? ''}`
    const line = before.split('\n').length
    const { stanzas, faults } = readAccess(`${before}${name} ${value}\n${name === 'SOURCE' ? KEYS : ''}`)
    if (INCLUDES.has(name)) {
      // include.test.ts tests what they do.
      expect(faults.map(({ message }) => message)).toContain(`${name}: nothing can be included here`)
      return
    }
    const refusals = faults.filter((fault) => fault.severity === 'error' && fault.line === line)
    if (refusals.length > 0) {
      expect(refusals[0]!.message).toBe(`${name} is not supported`)
      expect(refusals[0]!.hint).toBeTruthy()
      return
    }
    // This line has no effect: a signature is required anyway.
    if (name === 'GPG_REQUIRE_SIG') return
    expect(stanzas.length).toBeGreaterThan(0)
    expect(stanzas).not.toEqual(readAccess(before).stanzas)
  })

  test('GPG_REQUIRE_SIG Y changes nothing, and N is refused', () => {
    const gnupg = 'GPG_DECRYPT_PW x\nGPG_REMOTE_ID 1234ABCD1234ABCD\n'
    expect(stanzaOf(`${gnupg}GPG_REQUIRE_SIG Y`)).toEqual(stanzaOf(gnupg))
    expect(faultsOf(`SOURCE ANY\n${KEYS}${gnupg}GPG_REQUIRE_SIG N\n`)[0]).toContain('a signature is required anyway')
  })
})

describe('values', () => {
  test.each([
    ['192.0.2.7', ['192.0.2.7']],
    ['192.0.2.7/24', ['192.0.2.0/24']],
    ['192.0.2.7/255.255.255.0 ,10.0.0.0/8', ['192.0.2.0/24', '10.0.0.0/8']],
    ['10.1.2.3/0.0.0.0', ['0.0.0.0/0']],
    ['10.1.2.3/255.255.255.255', ['10.1.2.3']],
    ['2001:db8::7/32', ['2001:db8::/32']],
    ['AnY', []],
  ])('SOURCE %s', (text, expected) => {
    const { stanzas, faults } = readAccess(`SOURCE ${text}\n${KEYS}`)
    expect(faults).toEqual([])
    expect(stanzas[0]!.sources.map(formatNetwork)).toEqual(expected)
  })

  test.each([
    '192.0.2.7/33',
    '192.0.2.7/',
    '192.0.2.0/255.0.255.0',
    '2001:db8::/255.0.0.0',
    '1.2.3.4,',
    '10.0.0.0/8/8',
  ])('SOURCE %s is refused', (text) => {
    expect(readAccess(`SOURCE ${text}\n${KEYS}`).stanzas).toEqual([])
  })

  test('a value ends at its semicolon; only a comment may follow', () => {
    expect(stanzaOf('OPEN_PORTS: tcp/22 ; # ssh').openPorts).toEqual([{ protocol: 6, port: 22 }])
    expect(faultsOf(`SOURCE ANY\n${KEYS}OPEN_PORTS tcp/22; udp/53\n`)).toEqual([
      'access.conf:4:18: error: the value ends at this `;`\n    fwknopd ignores the rest: delete it, or write it on its own line',
    ])
  })

  test('the last of two lines counts, and there is a warning', () => {
    expect(stanzaOf('OPEN_PORTS tcp/22\nOPEN_PORTS udp/53').openPorts).toEqual([{ protocol: 17, port: 53 }])
    expect(stanzaOf('KEY_BASE64 AAEC').rijndael!.key).toEqual(Uint8Array.of(0, 1, 2))
    expect(faultsOf(`SOURCE ANY\n${KEYS}KEY_BASE64 AAEC\n`)[0]).toContain('`KEY_BASE64` is already set on line 2')
  })

  test('a line end of DOS is not part of a value, and is not accepted as part of a key', () => {
    const { stanzas, faults } = readAccess('SOURCE ANY\r\nKEY_BASE64 AAEC\r\nHMAC_KEY_BASE64 AwQF\r\n# end\r\n')
    expect(faults).toEqual([])
    expect(stanzas[0]!.rijndael!.key).toEqual(Uint8Array.of(0, 1, 2))
    expect(faultsOf('SOURCE ANY\r\nKEY abc\r\n')[0]).toContain(
      'access.conf:2:8: error: fwknopd makes the trailing blank a part',
    )
  })

  test('a text beyond the bounds is refused', () => {
    expect(faultsOf('#'.repeat(ACCESS_MAX_CHARS + 1))[0]).toContain('the file is too large')
    expect(faultsOf(`SOURCE ANY\n${KEYS}`.repeat(ACCESS_STANZAS_MAX + 1))[0]).toContain('too many stanzas')
    expect(readAccess(`SOURCE ANY\n${KEYS}`.repeat(ACCESS_STANZAS_MAX)).stanzas).toHaveLength(ACCESS_STANZAS_MAX)
    expect(faultsOf(`SOURCE ANY\n${KEYS}OPEN_PORTS ${'tcp/22,'.repeat(1_024)}tcp/22\n`)[0]).toContain('too many ports')
    expect(faultsOf(`SOURCE ANY\n${KEYS}SOURCE ${'192.0.2.7,'.repeat(256)}192.0.2.7\n`)[0]).toContain(
      'too many networks',
    )
    expect(faultsOf(`SOURCE ${'1'.repeat(20_000)}`)[0]).toContain('the line is too long')
  })

  test('the signers are those of the given ids or fingerprints', () => {
    const fingerprint = '00CC95F05BC146B6AC4038C9E36F443C6A3FAD56'
    const other = '00CC95F05BC146B6AC4038C9E36F443C6A3FAD57'
    const { ids, fingerprints } = stanzaOf('GPG_ALLOW_NO_PW Y\nGPG_REMOTE_ID 0x6a3fad56 , E36F443C6A3FAD58').gnupg!
      .signers!
    expect(isSigner({ ids, fingerprints }, fingerprint.toLowerCase())).toBe(true)
    expect(isSigner({ ids, fingerprints }, other)).toBe(false)
    expect(isSigner({ ids, fingerprints }, '6A3FAD56')).toBe(false)
    expect(isSigner({ ids, fingerprints: [other] }, fingerprint)).toBe(false)
    expect(isSigner({ ids, fingerprints: [other] }, other)).toBe(true)
    expect(isSigner({ ids: [], fingerprints: [] }, other)).toBe(false)
  })
})

describe('any text in the file', () => {
  const names = fc.constantFrom(...ACCESS.spellings, 'source', 'KEY_BASE46')
  const lines = fc.tuple(names, fc.constantFrom(' ', ': ', '\t', '', '='), anyText({ maxLength: 40 }))
  const files = fc.array(
    fc.oneof(
      lines.map((words) => words.join('')),
      anyText(),
    ),
    { maxLength: 30 },
  )

  test('reading never throws, and an error leaves no stanza', () => {
    fc.assert(
      fc.property(files, (file) => {
        const { stanzas, faults } = readAccess(file.join('\n'))
        const failed = faults.some(({ severity }) => severity === 'error')
        expect(stanzas.length === 0).toBe(failed)
        for (const { line, column } of faults) expect(Math.min(line, column)).toBeGreaterThan(0)
      }),
    )
  })

  test('no key is repeated in a fault', () => {
    const secrets = fc.string({ unit: fc.constantFrom(...'abcXYZ019 ;#=\\"é'.split('')), minLength: 12, maxLength: 60 })
    const keys = fc.constantFrom('KEY', 'KEY_BASE64', 'HMAC_KEY', 'HMAC_KEY_BASE64', 'GPG_DECRYPT_PW')
    fc.assert(
      fc.property(keys, secrets, (name, secret) => {
        const said = faultsOf(`SOURCE ANY\n${name} ${secret}\n`).join('\n')
        for (const word of secret.split(/[ ;#]/).filter(({ length }) => length > 3)) expect(said).not.toContain(word)
      }),
    )
  })
})

describe.skipIf(spawnSync('compared with the real fwknopd', ['--version']).status !== 0)(
  'beside the real fwknopd',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'postern-access-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    const config = join(folder, 'fwknopd.conf')
    const access = join(folder, 'access.conf')
    writeFileSync(config, `PCAP_INTF lo;\nFWKNOP_RUN_DIR ${folder};\nENABLE_IPT_FORWARDING Y;\n`, { mode: 0o600 })

    /** Returns true if fwknopd accepts a file. */
    function taken(text: string): boolean {
      writeFileSync(access, text, { mode: 0o600 })
      const run = spawnSync('fwknopd', ['-f', '--exit-parse-config', '-c', config, '-a', access], { timeout: 20_000 })
      return run.status === 0
    }

    test.each([
      'SOURCE',
      'SOURCE ANY',
      'SOURCE ANY\nHMAC_KEY abc',
      'SOURCE ANY\nKEY=abc',
      'SOURCE ANY\nKEY:abc',
      'SOURCE ANY\nKEY __CHANGEME__',
      'SOURCE ANY\nKEY abc\nHMAC_KEY abc',
      'SOURCE ANY\nKEY abc\nHMAC_DIGEST_TYPE sha224',
      'SOURCE ANY\nKEY abc\nENCRYPTION_MODE pcbc',
      'SOURCE ANY\nKEY abc\nOPEN_PORTS 22',
      'SOURCE ANY\nKEY abc\nOPEN_PORTS icmp/8',
      'SOURCE ANY\nKEY abc\nACCESS_EXPIRE 2030-12-31',
      'SOURCE ANY\nKEY abc\nFW_ACCESS_TIMEOUT 8388609',
      'SOURCE ANY\nKEY abc\nMAX_FW_TIMEOUT 8388609',
      'SOURCE ANY\nKEY abc\nFORCE_NAT 192.168.1.3',
      'SOURCE ANY\nKEY abc\nFORCE_NAT inside.example.org 22',
      'SOURCE ANY\nKEY abc\nCMD_CYCLE_OPEN /bin/true',
      'SOURCE ANY\nKEY abc\nCMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE none',
      'SOURCE ANY\nKEY abc\nCMD_CYCLE_CLOSE /bin/true\nCMD_CYCLE_TIMER 9',
      'SOURCE ANY\nKEY abc\nCMD_CYCLE_OPEN /bin/true\nCMD_CYCLE_CLOSE NONE\nCMD_CYCLE_TIMER 0',
      'SOURCE ANY\nGPG_DECRYPT_ID 1234ABCD\nGPG_REMOTE_ID 1234ABCD',
      'SOURCE ANY\nGPG_DECRYPT_PW abc',
      'source ANY\nKEY abc',
    ])('a file that fwknopd refuses is refused: %j', (text) => {
      expect(taken(`${text}\n`)).toBe(false)
      expect(readAccess(`${text}\n`).stanzas).toEqual([])
    })

    test('a file that fwknopd accepts is accepted, down to the longest times', () => {
      const text = [
        'SOURCE: 192.0.2.7/24,198.51.100.0/255.255.255.0;',
        'KEY: a phrase;  # with a comment',
        'HMAC_KEY another phrase',
        'FW_ACCESS_TIMEOUT 8388608',
        'MAX_FW_TIMEOUT 8388608',
        'ACCESS_EXPIRE 1/2/2030',
        'FORCE_NAT 192.168.1.3 22',
        'CMD_CYCLE_OPEN /bin/true $IP',
        'CMD_CYCLE_CLOSE NONE',
        '',
      ].join('\n')
      expect(taken(text)).toBe(true)
      expect(readAccess(text)).toMatchObject({ faults: [], stanzas: [{ accessTimeoutS: 8_388_608 }] })
    })
  },
)
