// Goal: a capture is replayed as the daemon would see it, on any link layer. Openings, extensions, closes and failed
// knocks are reported with their reason and time.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { emptyFrame } from '../../capture/file/frame.ts'
import type { GateBounds } from '../../gate/gate.ts'
import { entryOf } from '../../log/format.ts'
import { parseAddress } from '../../packet/address.ts'
import { ACK, SYN, UDP } from '../../packet/packet.ts'
import { sample } from '../../../test/slow.ts'
import { LINKS, ip4, ip6 } from '../../../test/packets/build.ts'
import type { Segment } from '../../../test/packets/build.ts'
import { codeOf, periodAt } from '../../totp/code.ts'
import { knocksOfCode } from '../../totp/ports.ts'
import { secretUri } from '../../totp/secret-text.ts'
import { Replayer } from './replayer.ts'

const BEGIN_MS = 1_700_000_000_000

/** Whole tables, made for each test, would take longer than all else. */
const BOUNDS: GateBounds = { sourcesMax: 256, strangersMax: 256, keptMax: 256, attemptsMax: 256 }

const CONFIG = `[ssh]
Sequence = 7000,8000:udp,9000
Seq_Timeout = 5s
Open_Ports = tcp/22
Open_For = 10s
[run]
Sequence = 4001,4002
Command = echo %IP%
Cooldown = 60s
`

interface Sent extends Segment {
  readonly at: number
  readonly link?: (typeof LINKS)[number]
  readonly six?: boolean
}

/** Returns the events of these packets, with the seconds since the beginning in front. */
async function replayed(
  sent: readonly Sent[],
  own?: readonly string[],
  until = 0,
  lines = CONFIG,
): Promise<readonly string[]> {
  const told: string[] = []
  const { config } = readConfig(lines, 'knockd.conf')
  const replayer = await Replayer.start({
    config: config!,
    own: own?.map((text) => parseAddress(text)!),
    onlyIp4: false,
    tell: (event, time) => told.push(`${(time - BEGIN_MS) / 1000} ${entryOf(event, time).text}`),
    warn: (text) => told.push(text),
    bounds: BOUNDS,
  })
  const frame = emptyFrame()
  for (const [index, { at, link: [, linkType, wrap] = LINKS[0]!, six = false, ...segment }] of sent.entries()) {
    const packet = { sequence: index, identification: index, flags: SYN, ...segment }
    frame.bytes = Uint8Array.from(wrap(six ? ip6(packet) : ip4(packet)))
    frame.start = 0
    frame.end = frame.bytes.length
    frame.wireLength = frame.end
    frame.linkType = linkType
    frame.time = BEGIN_MS + at * 1000
    await replayer.take(frame)
  }
  replayer.advance(BEGIN_MS + until * 1000)
  return told
}

const SSH: readonly Sent[] = [
  { at: 0, port: 7000 },
  { at: 1, port: 8000, protocol: UDP },
  { at: 2, port: 9000 },
]

describe.each(LINKS)('%s', (...link) => {
  // decode.test.ts has both families of each link layer.
  test.each(sample([false, true], (six) => six || link[0] === 'Ethernet'))('IPv6: %s', async (six) => {
    const sent = SSH.map((each) => ({ ...each, link, six }))
    expect(await replayed(sent)).toEqual([
      '0 ssh: Stage 1',
      '1 ssh: Stage 2',
      '2 ssh: Stage 3',
      '2 ssh: OPEN SESAME',
      '2 ssh: tcp/22 would be open for 10 s',
    ])
  })
})

test('an opening is extended, and closed in its place among other events', async () => {
  const again = SSH.map((each) => ({ ...each, at: each.at + 7 }))
  const other = { at: 19.5, port: 4001 }
  expect((await replayed([...SSH, ...again, other], undefined, 30)).slice(5)).toEqual([
    '7 ssh: Stage 1',
    '8 ssh: Stage 2',
    '9 ssh: Stage 3',
    '9 ssh: OPEN SESAME',
    '9 ssh: is open already, and would stay so for another 10 s',
    '19 ssh: tcp/22 would be closed',
    '19.5 run: Stage 1',
  ])
})

test('failed knocks have their reason and time', async () => {
  const wrong: readonly Sent[] = [
    { at: 0, port: 7000 },
    { at: 1, port: 9000 },
    { at: 2, port: 7000 },
    { at: 3, port: 8000, protocol: UDP },
    { at: 20, port: 9000 },
    { at: 21, port: 9000, flags: SYN | ACK },
  ]
  expect(await replayed(wrong)).toEqual([
    '0 ssh: Stage 1',
    '1 ssh: wrong knock (stage 1, knock 9000:tcp)',
    '2 ssh: Stage 1',
    '3 ssh: Stage 2',
    '7 ssh: sequence timeout (stage 2)',
    '20 no part of a sequence (knock 9000:tcp)',
  ])
})

test('a command without a command for closing is reported each time, except during the cooldown', async () => {
  const told = await replayed(
    [0, 10, 70].flatMap((at) => [
      { at, port: 4001 },
      { at: at + 1, port: 4002 },
    ]),
  )
  expect(told.filter((line) => /would run|cools/.test(line))).toEqual([
    '1 run: would run: echo 192.0.2.2',
    '11 run: cools down',
    '71 run: would run: echo 192.0.2.2',
  ])
})

test('with given addresses of the server, packets to other addresses are not knocks', async () => {
  expect(await replayed(SSH, ['192.0.2.77'])).toEqual([])
  expect(await replayed(SSH, ['192.0.2.1'])).toHaveLength(5)
})

test('a frame that is older than the one before gets the time of that one', async () => {
  const [first, second, third] = SSH
  expect((await replayed([{ ...first!, at: 1.5 }, second!, third!])).slice(0, 4)).toEqual([
    '1.5 ssh: Stage 1',
    '1.5 ssh: Stage 2',
    '2 ssh: Stage 3',
    '2 ssh: OPEN SESAME',
  ])
})

test('a clock that is set back or far ahead changes no time limit', async () => {
  const [first, second, third] = SSH
  // Sixty seconds pass by a clock that is set back an hour meanwhile; the door allows five.
  const back = [first!, { ...second!, at: 4 }, { at: -3_600, port: 80 }, { ...third!, at: -3_540 }]
  expect((await replayed(back)).filter((line) => /OPEN|timeout/.test(line))).toEqual([
    '-3599 ssh: sequence timeout (stage 2)',
  ])
  // A machine may begin in 1970: its scanner is recognised all the same.
  const scan = [5000, 5010, 5020, 5030, 5040, 5050].map((port, index) => ({ at: index * 0.01 - 1, port }))
  const told = await replayed([{ at: -1_700_000_000, port: 80 }, ...scan, ...SSH])
  expect(told.filter((line) => /OPEN|port scan/.test(line))).toEqual([
    expect.stringMatching(/port scan/),
    expect.stringMatching(/ssh: OPEN SESAME/),
  ])
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-replayer-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

// An unusable file is named once, with the reason, and its door opens to nobody in the replay.
test.each([
  ['Users', undefined, 'no such file'],
  ['TOTP_Secret_File', '# none\n', 'contains no secret'],
  ['One_Time_Sequences', undefined, 'no such file'],
])('%s without a usable file', async (directive, text, why) => {
  const path = join(folder, 'file')
  if (text !== undefined) writeFileSync(path, text, { mode: 0o600 })
  const { config } = readConfig(`[d]\n${directive} = ${path}\nOpen_Ports = tcp/22\n`, 'k')
  const said: string[] = []
  const [tell, warn] = [(line: unknown) => void said.push(String(line)), (line: string) => void said.push(line)]
  const { authenticators } = await Replayer.start({
    config: config!,
    own: undefined,
    onlyIp4: false,
    tell,
    warn,
    bounds: BOUNDS,
  })
  expect(said.map((line) => line.split('\n')[0])).toEqual([`d: opens to nobody: ${path}: ${why}`])
  expect([...authenticators.sequences()]).toEqual([])
})

test("codes are those of the capture's time, valid once each, even after its clock is set back", async () => {
  const path = join(folder, 'secret')
  const totp = { key: new Uint8Array(20).fill(7), algorithm: 'SHA1', digits: 8, periodS: 30 } as const
  writeFileSync(path, secretUri(totp, 'gate', 'c'), { mode: 0o600 })
  const knocksAt = (at: number, codeAt = at): readonly Sent[] =>
    knocksOfCode(codeOf(totp, periodAt(totp, BEGIN_MS + codeAt * 1000))).map(({ port }) => ({ at, port }))
  const far = 86_400 * 40
  const sent = [...knocksAt(0), ...knocksAt(10, 0), ...knocksAt(600, 0), ...knocksAt(far)]
  // The clock is set back, and the daemon's timer notices that within half a minute.
  const back = [{ at: 5_000, port: 80 }, { at: 5_040, port: 80 }, ...knocksAt(5_041)]
  const config = `[c]\nTOTP_Secret_File = ${path}\nOpen_Ports = tcp/22\n`
  const told = await replayed([...sent, ...back], undefined, 0, config)
  expect(told.filter((line) => line.includes('OPEN'))).toEqual(
    ['0', `${far}`, '5041'].map((at) => `${at} c: OPEN SESAME`),
  )
})

test('a packet for gpg is reported, and gpg is not run', async () => {
  const home = join(folder, 'gnupg')
  mkdirSync(home, { mode: 0o700 })
  const access = join(folder, 'access.conf')
  writeFileSync(
    access,
    `SOURCE ANY\nGPG_HOME_DIR ${home}\nGPG_DECRYPT_ID 12345678\nGPG_ALLOW_NO_PW Y\nGPG_REMOTE_ID ABCD1234\n`,
    {
      mode: 0o600,
    },
  )
  const payload = [...Buffer.from('A'.repeat(600))]
  const sent = [{ at: 0, protocol: UDP, port: 62_201, payload } as const]
  const told = await replayed(sent, undefined, 0, `[fw]\nSPA = fwknop\nAccess_File = ${access}\nOpen_Ports = tcp/22\n`)
  expect(told.some((line) => line === 'fw: packets for gpg are not replayed')).toBe(true)
  expect(told.filter((line) => line.includes('packet for gpg'))).toEqual(['0 fw: packet for gpg: not replayed'])
  expect(readdirSync(home)).toEqual([])
})
