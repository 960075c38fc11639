// Goal: where a door has several users, the log, the journal, the status and the commands say who came; and one is revoked
// without anybody else noticing.
import { readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import type { OpeningStatus } from '../../src/control/message.ts'
import { postern, statusOf } from './guarded.ts'
import { program, startKnockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'

const BOB: TotpSecret = { key: new Uint8Array(32).fill(9), algorithm: 'SHA256', digits: 8, periodS: 3_600 }
const ALICE = ['7431', '8020:udp', '9123']

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const bobs = (periods = 0): readonly string[] =>
  knocksOfCode(codeOf(BOB, periodAt(BOB, Date.now()) + periods)).map(({ port }) => String(port))

lab('users', () => {
  test('are named wherever an opening is told of, and are revoked one by one', async () => {
    const { server, client } = await pair()
    const service = await serveTcp(server, 22)
    const notes = scratch('notes')
    const users = scratch('users')
    const write = (text: string): void => {
      // As editors do it.
      writeFileSync(`${users}.new`, text, { mode: 0o600 })
      renameSync(`${users}.new`, users)
    }
    const alice = `alice ${ALICE.join(',')}\n`
    const bob = `bob ${secretUri(BOB, 'gate', 'ssh')}\n`
    write(`# who may come\n${alice}${bob}`)
    const json = scratch('log.json')
    const config = [
      '[options]',
      `LogFile = ${json}`,
      'LogFormat = json',
      '[ssh]',
      `Users = ${users}`,
      'Open_Ports = tcp/22',
      'Open_For = 10m',
      `Start_Command = echo "$POSTERN_USER %IP%" >> ${notes}`,
      '',
    ].join('\n')
    const daemon = await startKnockd({ host: server, config })
    running = daemon.process
    const status = async (): Promise<readonly OpeningStatus[]> => (await statusOf(server, daemon)).openings

    await sendKnocks(client, SERVER_4, ALICE)
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice)`)
    await sendKnocks(client, SERVER_6, bobs())
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_6}: ssh: OPEN SESAME (bob)`)
    await until('both notes', () => readFileSync(notes, { encoding: 'utf8', flag: 'a+' }).split('\n').length === 3)
    expect(readFileSync(notes, 'utf8')).toBe(`alice ${CLIENT_4}\nbob ${CLIENT_6}\n`)
    expect((await status()).map(({ source, user }) => [source, user])).toEqual([
      [CLIENT_4, 'alice'],
      [CLIENT_6, 'bob'],
    ])
    expect((await postern(server, daemon, 'status')).stdout).toMatch(/^ {2}ssh +192\.0\.2\.2 +alice +tcp\/22 +/m)
    const events = readFileSync(json, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, string>)
    expect(events.filter(({ event }) => event === 'open').map(({ user }) => user)).toEqual(['alice', 'bob'])
    const journal = readdirSync(daemon.stateDir).find((name) => name.endsWith('.journal'))!
    expect(readFileSync(join(daemon.stateDir, journal), 'utf8')).toMatch(/"user":"alice"/)
    expect(await probe(client, SERVER_4, 22)).toBe('open')

    // Alice is gone: her door shuts, bob's stays open, and only bob's next code opens.
    write(bob)
    await running.line(/ssh: access of alice revoked/)
    await until('her door to shut', async () => (await probe(client, SERVER_4, 22)) !== 'open')
    expect(await probe(client, SERVER_6, 22)).toBe('open')
    await sendKnocks(client, SERVER_4, ALICE)
    await sendKnocks(client, SERVER_4, bobs(1))
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (bob)`)
    expect((await status()).map(({ user }) => user)).toEqual(['bob', 'bob'])

    // After a restart it is still known who opened what; a file with a slip in it shuts out nobody else.
    await running.stop()
    write(`${bob}alice 99999\n`)
    running = server.start([process.execPath, program('knockd'), '-v', '-c', daemon.file, '-i', 'eth0'])
    await running.line(/users:2:7: warning: the secret of .alice. is not a sequence/)
    await running.line(/listening on/)
    expect((await status()).map(({ user }) => user)).toEqual(['bob', 'bob'])
    await sendKnocks(client, SERVER_4, bobs(-1))
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (bob)`)
    await service.stop()
  })

  test('a reload takes the file again; where it is gone, all goes on as before', async () => {
    const { server, client } = await pair()
    const users = scratch('users')
    writeFileSync(users, 'alice 7431,8020\ncarol 6512,9001\n', { mode: 0o600 })
    const notes = scratch('notes')
    const config = `[ssh]\nUsers = ${users}\nStart_Command = echo $POSTERN_USER >> ${notes}\n`
    const daemon = await startKnockd({ host: server, config })
    running = daemon.process
    renameSync(users, `${users}.away`)
    daemon.process.kill('SIGHUP')
    await running.line(/ssh: keeping the previous users/)
    await sendKnocks(client, SERVER_4, ['7431', '8020'])
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice)`)
    writeFileSync(users, 'carol 6512,9001\n', { mode: 0o600 })
    daemon.process.kill('SIGHUP')
    await running.line(/ssh: access of alice revoked/)
    await sendKnocks(client, SERVER_4, ['7431', '8020', '6512', '9001'])
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (carol)`)
    // Whoever was there before is there once, however often the file is read.
    await sendKnocks(client, SERVER_6, ['6512', '9001'])
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_6}: ssh: OPEN SESAME (carol)`)
    expect(running.count(/OPEN/)).toBe(3)
  })
})
