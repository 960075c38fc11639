// Goal: replay says what the daemon says: the same packets make the same events in both, whatever the secret.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SERVER_SECRET, fwknop, knockknock, ours } from '../../../test/lab/single-packets.ts'
import { LINKS, ip4 } from '../../../test/packets/build.ts'
import type { Segment } from '../../../test/packets/build.ts'
import { emptyFrame } from '../../capture/file/frame.ts'
import type { Config } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { Observation } from '../../daemon/observation.ts'
import { Parts } from '../../daemon/parts.ts'
import { AS_STARTED } from '../../daemon/user/settle.ts'
import type { LogEvent } from '../../log/event.ts'
import { textOf } from '../../log/format.ts'
import { Log } from '../../log/log.ts'
import { parseAddress } from '../../packet/address.ts'
import { decode } from '../../packet/decode.ts'
import { Packet, TCP, UDP } from '../../packet/packet.ts'
import { HolderMarks } from '../../secret/holder-marks.ts'
import { MemoryDisk } from '../../state/disk-fake.ts'
import { openStoreOn } from '../../state/store.ts'
import { codeOf, periodAt } from '../../totp/code.ts'
import { knocksOfCode } from '../../totp/ports.ts'
import type { TotpSecret } from '../../totp/code.ts'
import { secretUri } from '../../totp/secret-text.ts'
import { formatKey } from '../../spa/noise/key-text.ts'
import { Replayer } from './replayer.ts'

const SERVER = '192.0.2.1'
/** The port of single packets. No scan is seen at it. */
const SPA_PORT = 62_201
const TOTP: TotpSecret = { key: new Uint8Array(20).fill(7), algorithm: 'SHA1', digits: 8, periodS: 3_600 }
const LIST = ' 4001,4003\n 4005,4007\n'
/** The kinds of events of what really happens, or would. */
const ONLY_ONE: ReadonlySet<string> = new Set('command status output command-timeout would-run would-be'.split(' '))

interface Sent extends Segment {
  /** Milliseconds since the first packet. */
  readonly at: number
}

/** A packet that fwknopd accepted, for 192.0.2.7, and the second of its making. */
const [RECORDED] = (
  JSON.parse(readFileSync(join(import.meta.dirname, '../../../test/fixtures/spa/fwknop.json'), 'utf8')) as {
    readonly vectors: readonly { readonly key: string; readonly hmacKey: string; readonly wire: string }[]
  }
).vectors
const RECORDED_MS = 1_700_000_000_000

let folder: string
let config: Config
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-same-'))
})
afterEach(() => {
  vi.useRealTimers()
  rmSync(folder, { recursive: true })
})

const fileOf = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
const configure = (doors: Readonly<Record<string, string>>, options = ''): void => {
  const sections = Object.entries(doors).map(([name, lines]) => `[${name}]\n${lines}\nStart_Command = true\n`)
  const text = `[options]\n${options}\n${sections.join('')}`
  config = readConfig(text, fileOf('knockd.conf', text)).config!
}

const frame = emptyFrame()
const [, linkType, wrap] = LINKS[0]!
const put = (segment: Segment, index: number, time: number): void => {
  frame.bytes = Uint8Array.from(wrap(ip4({ to: SERVER, sequence: index, identification: index, ...segment })))
  Object.assign(frame, { start: 0, end: frame.bytes.length, wireLength: frame.bytes.length, linkType, time })
}
/** Of the explanations, those of attempts and single packets: the others depend on the filter. */
const isShared = (event: LogEvent): boolean =>
  !ONLY_ONE.has(event.kind) && (event.kind !== 'explanation' || event.door !== undefined || event.knock === undefined)

/** The lines of the daemon for packets that begin at `begin`. Each opening is awaited before the next packet. */
async function ofDaemon(sent: readonly Sent[], begin: number): Promise<readonly string[]> {
  const lines: string[] = []
  const stream = { write: (): boolean => true }
  const around = { now: () => Date.now(), stdout: stream, stderr: stream, syslog: undefined }
  const settings = {
    format: 'json',
    file: undefined,
    syslog: false,
    verbose: false,
    debug: true,
    lookup: false,
  } as const
  const log = new Log(settings, { ...around, lookup: async () => await Promise.resolve(undefined) })
  const event = log.event.bind(log)
  log.event = (of) => {
    if (isShared(of)) lines.push(textOf(of))
    event(of)
  }
  // A new journal refuses packets that are older than itself.
  if (vi.isFakeTimers()) vi.setSystemTime(begin - 60_000)
  const { store } = await openStoreOn(new MemoryDisk(), '/state')
  const marks = new HolderMarks(new Uint8Array(32).fill(1))
  const flags = { daemon: false, debug: true, lookup: false, verbose: false, onlyIp4: false, forUser: false }
  const args = { ...flags, interfaces: [], config: config.file, pidFile: undefined, logFile: undefined, ignored: [] }
  const observation = new Observation(log)
  const state = { path: join(folder, 'journal'), store, marks, runsAs: AS_STARTED, observation, fleet: undefined }
  const parts = new Parts(args, () => config, log, state)
  const attempt = vi.spyOn(parts.faults, 'attempt')
  const run = vi.spyOn(parts.commands, 'open')
  vi.spyOn(parts.captures, 'updateSoon').mockReturnValue()
  await parts.authenticators.load(config)
  parts.authenticators.setOwn([parseAddress(SERVER)!], [])
  parts.authenticators.replace(config)
  parts.knocks.gate.setOwn([parseAddress(SERVER)!])
  const packet = new Packet()
  for (const [index, { at, ...segment }] of sent.entries()) {
    put(segment, index, begin + at)
    decode(frame.bytes, frame.start, frame.end, frame.wireLength, frame.linkType, packet)
    packet.time = frame.time
    if (vi.isFakeTimers()) vi.advanceTimersByTime(frame.time - Date.now())
    if (!parts.authenticators.offer(packet, frame.bytes) && segment.port !== SPA_PORT) parts.knocks.take(packet)
    for (const { value } of attempt.mock.results.splice(0)) await value
    await Promise.all(run.mock.results.map(({ value }) => value))
    await new Promise(setImmediate)
  }
  await parts.authenticators.close()
  await parts.commands.closeAll()
  parts.reconciler.stop()
  await store.close()
  await log.close()
  return lines
}

async function ofReplay(sent: readonly Sent[], begin: number): Promise<readonly string[]> {
  const lines: string[] = []
  const tell = (event: LogEvent): void => void (isShared(event) && lines.push(textOf(event)))
  const warn = (line: string): void => void lines.push(line)
  const replayer = await Replayer.start({ config, own: [parseAddress(SERVER)!], onlyIp4: false, tell, warn })
  for (const [index, { at, ...segment }] of sent.entries()) {
    put(segment, index, begin + at)
    await replayer.take(frame)
  }
  return lines
}

const knock = (at: number, ports: readonly number[], from: string): readonly Sent[] =>
  ports.map((port, index) => ({ at: at + index * 10, port, from, protocol: port === 8000 ? UDP : TCP }))
const fixed = (at: number, from: string): readonly Sent[] => knock(at, [7000, 8000, 9000], from)

test('fixed sequences, one-time ones, codes and users, again and again, and a scan', async () => {
  const list = fileOf('list', LIST)
  const users = fileOf('users', `alice ${secretUri(TOTP, 'gate', 'team')}\nbob 6001,9000,6003\n`)
  configure({
    fixed: 'Sequence = 7000,8000:udp,9000\nSeq_Timeout = 5s',
    once: `One_Time_Sequences = ${list}`,
    team: `Users = ${users}`,
  })
  const begin = Date.now()
  const code = knocksOfCode(codeOf(TOTP, periodAt(TOTP, begin))).map(({ port }) => port)
  const sent = [
    ...fixed(0, '192.0.2.7'),
    ...knock(100, [7000, 9000], '192.0.2.7'),
    ...knock(200, [4001, 4003], '192.0.2.8'),
    ...knock(300, [4001, 4003], '192.0.2.9'),
    ...knock(400, [4005, 4007], '192.0.2.9'),
    ...knock(500, code, '192.0.2.10'),
    ...knock(600, code, '192.0.2.11'),
    ...knock(700, [6001, 9000, 6003], '192.0.2.12'),
    ...knock(800, [7000], '192.0.2.13'),
    ...knock(7_000, [5000, 5010, 5020, 5030, 5040, 5050, 5060], '192.0.2.14'),
    ...knock(7_100, [4001], '192.0.2.14'),
    ...fixed(7_200, '192.0.2.15'),
  ]
  const replayed = await ofReplay(sent, begin)
  expect(readFileSync(list, 'utf8')).toBe(LIST)
  expect(replayed.filter((line) => line.includes('OPEN SESAME'))).toEqual([
    '192.0.2.7: fixed: OPEN SESAME',
    '192.0.2.8: once: OPEN SESAME',
    '192.0.2.9: once: OPEN SESAME',
    '192.0.2.10: team: OPEN SESAME (alice)',
    '192.0.2.12: team: OPEN SESAME (bob)',
    '192.0.2.15: fixed: OPEN SESAME',
  ])
  expect(replayed.some((line) => /port scan|wrong knock|timeout/.test(line))).toBe(true)
  const daemon = await ofDaemon(sent, begin)
  expect(replayed.filter((line) => !line.includes('no sequence is left'))).toEqual(
    daemon.filter((line) => !/sequences? (is|are) left/.test(line)),
  )
})

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64')
const syn = (number: number): Segment => knockknock.honest(number, '192.0.2.22')

test('single packets: valid, again, from elsewhere, out of order, forged, refused, and old by the time of the capture', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance', 'setTimeout', 'clearTimeout'], now: RECORDED_MS })
  const { key, hmacKey, wire } = RECORDED!
  const access = fileOf('access.conf', `SOURCE ANY\nKEY_BASE64 ${base64(key)}\nHMAC_KEY_BASE64 ${base64(hmacKey)}\n`)
  const server = fileOf('server.key', formatKey('postern-server-secret', SERVER_SECRET))
  configure(
    {
      recorded: `SPA = fwknop\nAccess_File = ${access}`,
      fw: fwknop.config(),
      door: ours.config(),
      syn: knockknock.config(),
      fixed: 'Sequence = 7000,8000:udp,9000',
    },
    `SPA_Key_File = ${server}`,
  )
  const begin = RECORDED_MS + 500
  const payload = [...Buffer.from(wire)]
  const recorded: Segment = { from: '192.0.2.7', protocol: UDP, port: SPA_PORT, payload }
  const later = 600_000
  const [one, two, old] = [1, 2, 3].map((number) => fwknop.honest(number, '192.0.2.20'))
  const [first, newer, aged] = [1_000, 3_000, 2_000].map((ms) => ours.honest(ms, '192.0.2.21'))
  const elsewhere = [1, 2, 3].map((number) => ours.honest(5_000 + number, '192.0.2.23', 'elsewhere'))
  const sent = [
    { at: 0, ...recorded },
    { at: 10, ...recorded },
    { at: 20, ...recorded, from: '192.0.2.8' },
    { at: 30, ...recorded, payload: [...payload.slice(0, -1), 0x41] },
    { at: 40, ...one! },
    { at: 50, ...two! },
    { at: 60, ...one! },
    { at: 100, ...first! },
    { at: 110, ...newer! },
    { at: 120, ...newer! },
    { at: 130, ...aged! },
    { at: 140, ...ours.forged(1) },
    { at: 150, ...elsewhere[0]! },
    { at: 200, ...syn(3) },
    { at: 210, ...syn(3) },
    { at: 220, ...syn(2) },
    { at: 230, ...syn(4) },
    { at: 240, ...knockknock.forged(1) },
    ...fixed(300, '192.0.2.24'),
    { at: 400, ...elsewhere[1]! },
    { at: 70_000, ...elsewhere[2]! },
    { at: later, ...old! },
    { at: later + 10, ...ours.honest(9_000, '192.0.2.21') },
    { at: later + 20, ...recorded },
    { at: later + 30, ...syn(5) },
  ]
  const before = Date.now()
  const replayed = await ofReplay(sent, begin)
  expect(Date.now()).toBe(before)
  expect(replayed.filter((line) => line.includes('OPEN SESAME'))).toEqual([
    expect.stringMatching(/^192\.0\.2\.7: recorded: OPEN SESAME \(.*access\.conf:1, claims to be alice\)$/),
    expect.stringMatching(/^192\.0\.2\.20: fw: OPEN SESAME .* claims to be user01\)$/),
    expect.stringMatching(/^192\.0\.2\.20: fw: OPEN SESAME .* claims to be user02\)$/),
    '192.0.2.21: door: OPEN SESAME (user7)',
    '192.0.2.21: door: OPEN SESAME (user7)',
    '192.0.2.22: syn: OPEN SESAME (user099)',
    '192.0.2.22: syn: OPEN SESAME (user099)',
    '192.0.2.24: fixed: OPEN SESAME',
    '192.0.2.22: syn: OPEN SESAME (user099)',
  ])
  for (const reason of [
    'a copy of an earlier packet',
    'single packet: a copy of an earlier one',
    'a replay, or older than the last one',
    'there is no door elsewhere for this key',
    'the packet is 601 s old',
  ]) {
    expect(replayed.some((line) => line.includes(reason))).toBe(true)
  }
  expect(await ofDaemon(sent, begin)).toEqual(replayed)
})
