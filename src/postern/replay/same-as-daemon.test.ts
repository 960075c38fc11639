// Goal: replay says what the daemon says: the same packets make the same events in both, whatever the secret.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LINKS, ip4 } from '../../../test/packets/build.ts'
import type { Segment } from '../../../test/packets/build.ts'
import { emptyFrame } from '../../capture/file/frame.ts'
import type { Config } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { Parts } from '../../daemon/parts.ts'
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
import { Replayer } from './replayer.ts'

const SERVER = '192.0.2.1'
const TOTP: TotpSecret = { key: new Uint8Array(20).fill(7), algorithm: 'SHA1', digits: 8, periodS: 3_600 }
const LIST = ' 4001,4003\n 4005,4007\n'
/** The kinds of events of what really happens, or would. */
const ONLY_ONE: ReadonlySet<string> = new Set('command status output command-timeout would-run would-be'.split(' '))

interface Sent extends Segment {
  /** Milliseconds since the first packet. */
  readonly at: number
}

let folder: string
let list: string
let config: Config
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-same-'))
  list = join(folder, 'list')
  const users = join(folder, 'users')
  writeFileSync(list, LIST, { mode: 0o600 })
  writeFileSync(users, `alice ${secretUri(TOTP, 'gate', 'team')}\nbob 6001,9000,6003\n`, { mode: 0o600 })
  const doors = {
    fixed: 'Sequence = 7000,8000:udp,9000\nSeq_Timeout = 5s',
    once: `One_Time_Sequences = ${list}`,
    team: `Users = ${users}`,
  }
  const text = Object.entries(doors).map(([name, lines]) => `[${name}]\n${lines}\nStart_Command = true\n`)
  const file = join(folder, 'knockd.conf')
  writeFileSync(file, text.join(''))
  config = readConfig(text.join(''), file).config!
})
afterEach(() => rmSync(folder, { recursive: true }))

const frame = emptyFrame()
const [, linkType, wrap] = LINKS[0]!
const put = (segment: Segment, index: number, time: number): void => {
  frame.bytes = Uint8Array.from(wrap(ip4({ to: SERVER, sequence: index, identification: index, ...segment })))
  Object.assign(frame, { start: 0, end: frame.bytes.length, wireLength: frame.bytes.length, linkType, time })
}
const isShared = (event: LogEvent): boolean =>
  !ONLY_ONE.has(event.kind) && (event.kind !== 'explanation' || event.door !== undefined)

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
  const { store } = await openStoreOn(new MemoryDisk(), '/state')
  const marks = new HolderMarks(new Uint8Array(32).fill(1))
  const flags = { daemon: false, debug: true, lookup: false, verbose: false, onlyIp4: false }
  const args = { ...flags, interfaces: [], config: config.file, pidFile: undefined, logFile: undefined, ignored: [] }
  const parts = new Parts(args, () => config, log, { path: join(folder, 'journal'), store, marks })
  const redeem = vi.spyOn(parts.authenticators, 'redeem')
  const run = vi.spyOn(parts.commands, 'open')
  vi.spyOn(parts.captures, 'updateSoon').mockReturnValue()
  parts.authenticators.replace(config)
  parts.knocks.gate.setOwn([parseAddress(SERVER)!])
  const packet = new Packet()
  for (const [index, { at, ...segment }] of sent.entries()) {
    put(segment, index, begin + at)
    decode(frame.bytes, frame.start, frame.end, frame.wireLength, frame.linkType, packet)
    packet.time = frame.time
    const before = redeem.mock.results.length
    parts.knocks.take(packet)
    for (const { value } of redeem.mock.results.slice(before)) await value
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
  const replayer = new Replayer({ config, own: [parseAddress(SERVER)!], onlyIp4: false, tell, warn })
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
