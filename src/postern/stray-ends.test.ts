// Goal: reading a file never throws, whatever character is in place of a line end. No entry is ignored in silence, and
// each fault has the line that it is in.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { SLOW, sample } from '../../test/slow.ts'
import { runCommand } from '../cli/command.ts'
import { keysFromFile } from '../client/spa/key-file.ts'
import { readHostConfig } from '../client/spa/config-file.ts'
import { readList } from '../client/published/list.ts'
import { parseDuration } from '../config/duration.ts'
import { parseOneTime } from '../config/one-time.ts'
import { checkConfig } from '../lint/lint.ts'
import { formatSequence } from '../config/sequence.ts'
import { parseUsers } from '../config/users.ts'
import { readAccess } from '../peer/fwknop/access.ts'
import { readKeys } from '../peer/fwknop/key-file.ts'
import { readFwknoprc, settingsFor } from '../peer/fwknop/fwknoprc.ts'
import { readCounter, readProfileConfig, readProfileKey } from '../peer/knockknock/profile.ts'
import { formatKey, readKeyFile } from '../spa/noise/key-text.ts'
import { readUsers } from '../spa/noise/users.ts'
import { readSecret } from '../totp/secret-text.ts'
import { CHECK } from './check/arguments.ts'

const ODD = ['\r', '\n', '\r\n', '\u2028', '\u2029', '\u0085', '\0', '\uFEFF', '\v', '\f', '\uD800', '\uDC00', ' ', '#']
const RUNS = SLOW ? 20_000 : 100

const folder = mkdtempSync(join(tmpdir(), 'postern-stray-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The result of reading a text: its entries, as texts, and the lines of its faults. */
interface Read {
  readonly entries: readonly string[]
  /** `undefined` stands for a fault without a line, as in files of one value. */
  readonly faults: readonly (number | undefined)[]
}

const KEY = (value: number): string => formatKey('postern-user', new Uint8Array(32).fill(value))
const BASE64 = Buffer.alloc(32, 7).toString('base64')
const HMAC = `HMAC_KEY_BASE64 ${Buffer.alloc(32, 9).toString('base64')}`
const BASE32 = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
const lines = (faults: readonly { readonly line: number }[]): readonly number[] => faults.map(({ line }) => line)
const one = (answer: object): Read =>
  'message' in answer ? { entries: [], faults: [undefined] } : { entries: [JSON.stringify(answer)], faults: [] }

/** Every format: a correct file, and the function that reads it. */
const FORMATS: Readonly<Record<string, { readonly text: string; readonly read: (text: string) => Read }>> = {
  'users of codes and sequences': {
    text: `alice ${BASE32}\nbob 7431,8020\n# carol is gone\ndan otpauth://totp/x?secret=MZXW6YTBOIFA2DQPCAQDAQCQIFA2DQPC\n`,
    read: (text) => {
      const { users, faults } = parseUsers(text)
      return { entries: users.map(({ name, secret }) => JSON.stringify([name, secret])), faults: lines(faults) }
    },
  },
  'users of single packets': {
    text: `${KEY(1)} alice\ndoors=ssh expires=2099-01-01 ${KEY(2)} bob\n# ${KEY(3)} carol\n`,
    read: (text) => {
      const { users, faults } = readUsers(text)
      return {
        entries: [...users].map(({ name, publicKey, options }) => JSON.stringify([name, publicKey[0], options])),
        faults: lines(faults),
      }
    },
  },
  'access.conf': {
    text: `SOURCE ANY\nKEY_BASE64 ${BASE64}\n${HMAC}\nOPEN_PORTS tcp/22\nSOURCE 192.0.2.7\nKEY_BASE64 ${BASE64}\n${HMAC}\n# end\n`,
    read: (text) => {
      const { stanzas, faults } = readAccess(text)
      return { entries: stanzas.map((stanza) => JSON.stringify({ ...stanza, line: 0 })), faults: lines(faults) }
    },
  },
  'keys of fwknop': {
    text: `KEY_BASE64: ${BASE64}\nHMAC_KEY_BASE64: ${Buffer.alloc(32, 9).toString('base64')}\n`,
    read: (text) => {
      const { stanzas, faults } = readKeys(text)
      return { entries: stanzas.map((stanza) => JSON.stringify({ ...stanza, line: 0 })), faults: lines(faults) }
    },
  },
  '.fwknoprc': {
    text: `[default]\nUSE_HMAC Y\n[gate]\nACCESS tcp/22\nKEY_BASE64 ${BASE64}\nSPA_SERVER gate\n`,
    read: (text) => {
      const { stanzas, faults } = readFwknoprc(text)
      const said = settingsFor(stanzas, 'gate')
      return { entries: [JSON.stringify(said.settings)], faults: [...lines(faults), ...lines(said.faults)] }
    },
  },
  'the client’s config': {
    text: '[default]\nPort = 7000\n[gate]\nDoor = ssh\nHost = gate.example\n',
    read: (text) => {
      const { settings, found, faults } = readHostConfig(text, 'gate')
      return { entries: [JSON.stringify([settings, found])], faults: lines(faults) }
    },
  },
  'one-time sequences': {
    text: ' 7431,8020\n# used\n 8020,7431:udp\n#9,8\n 1,2,3\n',
    read: (text) => {
      const reading = parseOneTime(Buffer.from(text).toString('latin1'))
      const left = reading.lines.filter(({ marked }) => !marked)
      return { entries: left.map(({ knocks }) => formatSequence(knocks)), faults: lines(reading.faults) }
    },
  },
  'a published list': {
    text: '# Postern sequences, format 1\n# door: ssh\n7431,8020\n8020,7431\n',
    read: (text) => {
      try {
        return { entries: [JSON.stringify(readList(Buffer.from(text)))], faults: [] }
      } catch (error) {
        expect((error as Error).name).toBe('ClientError')
        return { entries: [], faults: [undefined] }
      }
    },
  },
  knockknock: { text: '[main]\nknock_port = 666\n', read: (text) => one(readProfileConfig(text)) },
  'a key of knockknock': {
    text: `${Buffer.alloc(16, 3).toString('base64')}\n`,
    read: (text) => one(readProfileKey(text)),
  },
  'a counter of knockknock': { text: '17\n', read: (text) => one(readCounter(text)) },
  'a secret of codes': { text: `# mine\n${BASE32}\n`, read: (text) => one(readSecret(text)) },
  'an otpauth URI': {
    text: `otpauth://totp/gate:alice?secret=${BASE32}&digits=6&period=30\n`,
    read: (text) => one(readSecret(text)),
  },
  'a key': { text: `# mine\n${KEY(5)}\n`, read: (text) => one(readKeyFile(text, 'postern-user')) },
  'keys of a client': {
    text: `KEY_BASE64: ${BASE64}\nHMAC_KEY_BASE64: ${BASE64}\n`,
    read: (text) => {
      const path = join(folder, 'keys')
      writeFileSync(path, text, { mode: 0o600 })
      try {
        return { entries: [JSON.stringify(keysFromFile(path, 'key', 'gate'))], faults: [] }
      } catch (error) {
        expect((error as Error).name).toBe('ClientError')
        return { entries: [], faults: [undefined] }
      }
    },
  },
  'knockd.conf': {
    text: '[options]\nUseSyslog\n# doors\n[a]\nSequence = 7431,9123,8020\nCommand = /bin/true\n[b]\nSequence = 9123,7431,46013\nCommand = /bin/true\n',
    read: (text) => {
      const { config, faults } = checkConfig(text, 'k')
      return {
        entries: config?.doors.map(({ name, secret }) => JSON.stringify([name, secret])) ?? [],
        faults: lines(faults),
      }
    },
  },
}

const position = (text: string): fc.Arbitrary<number> => fc.nat({ max: text.length })
const odd = fc.array(fc.constantFrom(...ODD), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(''))

describe.each(Object.entries(FORMATS))('%s', (_, { text, read }) => {
  const right = read(text)

  test('a file with LF or CR LF reads the same', () => {
    expect(right.faults).toEqual([])
    expect(read(text.replaceAll('\n', '\r\n'))).toEqual(right)
  })

  test('a file with CR alone reads the same, or has a fault', () => {
    const { entries, faults } = read(text.replaceAll('\n', '\r'))
    if (faults.length === 0) expect(entries).toEqual(right.entries)
  })

  test('after one odd character anywhere, no entry is lost without a fault in its line', () => {
    for (const char of sample(['\r', '\u2028', '\u2029', '\u0085', '\0', '\v', '\f'], (each) =>
      /[\r\0\u2028]/.test(each),
    )) {
      for (let at = 0; at <= text.length; at++) {
        const { entries, faults } = read(text.slice(0, at) + char + text.slice(at))
        const line = text.slice(0, at).split('\n').length
        const said = faults.includes(line) || faults.includes(undefined)
        if (!said) expect([char, at, entries]).toEqual([char, at, right.entries])
        const places = faults.filter((each) => each !== undefined)
        const count = text.split('\n').length
        for (const place of places) expect(place >= 1 && place <= count).toBe(true)
      }
    }
  })

  test('odd characters anywhere, in any number, never make reading throw', () => {
    const edits = fc.array(fc.tuple(position(text), odd), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(edits, (places) => {
        let made = text
        for (const [at, what] of places) made = made.slice(0, at) + what + made.slice(at)
        const { faults } = read(made)
        const count = made.split('\n').length
        for (const line of faults) if (line !== undefined) expect(line >= 1 && line <= count).toBe(true)
      }),
      { numRuns: RUNS },
    )
  })
})

test('a time with an odd character is refused', () => {
  fc.assert(
    fc.property(fc.constantFrom('30s', '500ms', '10', '2h'), fc.nat({ max: 5 }), odd, (text, at, what) => {
      const read = parseDuration(text.slice(0, at) + what + text.slice(at), 0, 1e9)
      expect('ms' in read).toBe(what === '')
    }),
  )
})

test('postern check ends with its exit code, whatever is in the files', async () => {
  const config = join(folder, 'knockd.conf')
  const at = (name: string): string => join(folder, name)
  const names = ['users', 'totp', 'list', 'packets', 'access', 'keys', 'server', 'phrase'] as const
  const texts = [
    FORMATS['users of codes and sequences']!.text,
    FORMATS['a secret of codes']!.text,
    FORMATS['one-time sequences']!.text,
    FORMATS['users of single packets']!.text,
    FORMATS['access.conf']!.text,
    FORMATS['keys of fwknop']!.text,
    formatKey('postern-server-secret', new Uint8Array(32).fill(4)),
    'a passphrase of some length\n',
  ]
  const doors = [
    `[options]\nSPA_Key_File = ${at('server')}`,
    `[a]\nUsers = ${at('users')}\nOpen_Ports = tcp/22`,
    `[b]\nTOTP_Secret_File = ${at('totp')}\nOpen_Ports = tcp/22`,
    `[c]\nOne_Time_Sequences = ${at('list')}\nOpen_Ports = tcp/22`,
    `[d]\nSPA = postern\nSPA_Users = ${at('packets')}\nOpen_Ports = tcp/22`,
    `[e]\nSPA = fwknop\nAccess_File = ${at('access')}\nOpen_Ports = tcp/22`,
    `[f]\nSPA = fwknop\nFwknop_Keys = ${at('keys')}\nOpen_Ports = tcp/22`,
    `[g]\nOne_Time_Sequences = generate\nPublish_To = /srv\nPublish_Passphrase_File = ${at('phrase')}\nOpen_Ports = tcp/22`,
  ].join('\n')
  const output = { out: () => undefined, err: () => undefined }
  const change = fc.tuple(fc.nat({ max: names.length }), fc.nat({ max: 400 }), odd)
  await fc.assert(
    fc.asyncProperty(
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.uint8Array({ maxLength: 64 }),
      async (changes, raw) => {
        const made = [...texts, doors].map((text) => Buffer.from(text))
        for (const [which, place, what] of changes) {
          const bytes = made[which]!
          const cut = Math.min(place, bytes.length)
          made[which] = Buffer.concat([bytes.subarray(0, cut), Buffer.from(what), raw, bytes.subarray(cut)])
        }
        for (const [index, name] of names.entries()) writeFileSync(at(name), made[index]!, { mode: 0o600 })
        writeFileSync(config, made.at(-1)!, { mode: 0o600 })
        expect([0, 78]).toContain(await runCommand(CHECK, [config], output))
      },
    ),
    { numRuns: RUNS / 10 },
  )
})
