// Goal: whoever records every packet of a knock that opened a door, and plays it back, opens nothing: from the same address
// or another, at once or later, thousands of times, with and without the scan guard, after a kill -9 too.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import { startAgain, startKnockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { sendKnocks, watchWire } from './service.ts'
import { recordedOf } from './recorded.ts'

/** How often a recording is played back at a time. */
const LOOPS = 1_000
/** Milliseconds after which an honest knock is made again. */
const AGAIN_MS = 5_000
/** The scan guard as it is by default. */
const GUARDED = 'Scan_Ports = 5'
/** Somebody else's address on the same link. */
const OTHER_4 = '192.0.2.66'

const secret = (byte: number): TotpSecret => ({
  key: new Uint8Array(20).fill(byte),
  algorithm: 'SHA256',
  digits: 8,
  periodS: 3_600,
})
const CODE = secret(3)
const ALICE = secret(4)

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const ports = (totp: TotpSecret, periods = 0): readonly string[] =>
  knocksOfCode(codeOf(totp, periodAt(totp, Date.now()) + periods)).map(({ port }) => String(port))

const fileOf = (text: string): string => {
  const file = scratch('secret')
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

/** Every packet that a host sends until `what` is done, as a capture file. */
const record = async (host: Host, what: () => Promise<void>): Promise<string> =>
  await recordedOf(host, 'ip', what, '-Q', 'out')

/** The same packets from another address. */
const fromOther = (file: string): string => {
  const other = scratch('other.pcap')
  execFileSync('tcprewrite', [
    `--srcipmap=${CLIENT_4}/32:${OTHER_4}/32`,
    '-C',
    `--infile=${file}`,
    `--outfile=${other}`,
  ])
  return other
}

const play = async (host: Host, file: string, loops: number): Promise<void> => {
  await host.run(['tcpreplay', '-q', '--topspeed', `--loop=${loops}`, '-i', 'eth0', file], { limitMs: 60_000 })
}

lab('knocks that are played back', () => {
  test('open nothing, with the scan guard and without it, after a kill -9 too; and honest ones still do', async () => {
    const { server, client } = await pair()
    const notes = scratch('notes')
    const codes = fileOf(secretUri(CODE, 'gate', 'code'))
    const users = fileOf(`alice ${secretUri(ALICE, 'gate', 'team')}\n`)
    const folder = scratch('www')
    mkdirSync(folder)
    const identity = scratch('identity')
    execFileSync('age-keygen', ['-o', identity], { stdio: 'ignore' })
    const recipient = execFileSync('age-keygen', ['-y', identity], { encoding: 'utf8' }).trim()
    const note = (door: string): string => `Start_Command = echo ${door} %IP% >> ${notes}`
    const config = [
      '[options]',
      GUARDED,
      '[code]',
      `TOTP_Secret_File = ${codes}`,
      note('code'),
      '[team]',
      `Users = ${users}`,
      note('team'),
      '[list]',
      'One_Time_Sequences = generate',
      `Publish_To = ${folder}`,
      `Publish_For = ${recipient}`,
      note('list'),
      '',
    ].join('\n')
    const daemon = await startKnockd({ host: server, config })
    running = daemon.process
    const opened = (): readonly string[] =>
      readFileSync(notes, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean)
    const published = join(folder, 'list.age')
    await until('the list', () => existsSync(published))
    const next = (): readonly string[] => {
      const text = execFileSync('age', ['-d', '-i', identity, published], { encoding: 'utf8' })
      return text
        .split('\n')
        .find((line) => !line.startsWith('#'))!
        .split(',')
    }
    /** Knocks until the door opens: behind thousands of packets some are lost. */
    const knockIn = async (way: readonly string[]): Promise<void> => {
      const before = opened().length
      await until('the door', async () => {
        await sendKnocks(client, SERVER_4, way)
        await until('the note', () => opened().length > before, AGAIN_MS).catch(() => undefined)
        return opened().length > before
      })
    }
    const recording = await record(client, async () => {
      for (const way of [ports(CODE), ports(ALICE), next()]) await knockIn(way)
    })
    expect(opened()).toEqual([`code ${CLIENT_4}`, `team ${CLIENT_4}`, `list ${CLIENT_4}`])
    const other = fromOther(recording)
    const playBoth = async (): Promise<void> => {
      await play(client, recording, LOOPS)
      await play(client, other, LOOPS)
    }

    const wire = await watchWire(server, `src ${OTHER_4}`)
    await playBoth()
    await wire.line(/192\.0\.2\.66/)
    await wire.stop()
    // Killed, and played back to the next one: "later" is for it what it was not there for.
    running.kill('SIGKILL')
    await running.ended
    const text = readFileSync(daemon.file, 'utf8')
    writeFileSync(daemon.file, text.replace(GUARDED, 'Scan_Ports = 0'))
    running = await startAgain(server, daemon)
    await playBoth()
    writeFileSync(daemon.file, text)
    running.kill('SIGHUP')
    await running.line(/re-reading config/)
    await playBoth()

    // An honest knock from an address that has scanned nothing, behind all of that: so everything before was looked at.
    const late = '192.0.2.77'
    await client.address('eth0', `${late}/24`)
    await client.ip(`route replace ${SERVER_4} dev eth0 src ${late}`)
    for (const [door, way] of [
      ['code', ports(CODE, 1)],
      ['team', ports(ALICE, 1)],
      ['list', next()],
    ] as const) {
      await knockIn(way)
      expect(opened().at(-1)).toBe(`${door} ${late}`)
    }
    expect(opened()).toHaveLength(6)
  })
})
