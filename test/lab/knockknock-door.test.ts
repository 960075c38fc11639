// Goal: a door takes the SYN that the original sends, by hping3, with counters that skip ahead, from the files that the
// original makes; nothing that comes a second time opens.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { formatCounter, formatProfileConfig, formatProfileKey } from '../../src/peer/knockknock/profile.ts'
import { COUNTER_WINDOW_DEFAULT, encodeSyn } from '../../src/peer/knockknock/syn.ts'
import type { KnockknockKeys } from '../../src/peer/knockknock/syn.ts'
import { startAgain, startKnockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, serveTcp } from './service.ts'

const KNOCK_PORT = 666
const ALICE: KnockknockKeys = { cipherKey: new Uint8Array(16).fill(1), macKey: new Uint8Array(16).fill(2) }
const BOB: KnockknockKeys = { cipherKey: new Uint8Array(16).fill(3), macKey: new Uint8Array(16).fill(4) }

let running: Process | undefined
afterEach(async () => {
  await running?.stop()
  running = undefined
})

const profile = (folder: string, name: string, { cipherKey, macKey }: KnockknockKeys, counter: number): void => {
  const path = join(folder, name)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  for (const [file, text] of [
    ['cipher.key', formatProfileKey(cipherKey)],
    ['mac.key', formatProfileKey(macKey)],
    ['counter', formatCounter(counter)],
    ['config', formatProfileConfig(KNOCK_PORT)],
  ] as const) {
    writeFileSync(join(path, file), text, { mode: 0o600 })
  }
}

/** What the original does: hping3 with the twelve bytes in its header fields. */
const knockknock = async (client: Host, port: number, keys: KnockknockKeys, counter: number): Promise<void> => {
  const { identification, sequence, acknowledgment, window } = encodeSyn(port, keys, counter)
  const fields = ['-N', identification, '-w', window, '-M', sequence, '-L', acknowledgment].map(String)
  await client.run(['hping3', '-S', '-c', '1', '-p', String(KNOCK_PORT), ...fields, SERVER_4], { mayFail: true })
}

const lines = (file: string): readonly string[] =>
  readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean)

lab("knockknock's SYN", () => {
  test('opens the port it asks for, once for each counter, also ahead of the next, and after a restart', async () => {
    const { server, client } = await pair()
    const services = [await serveTcp(server, 22), await serveTcp(server, 80)]
    const folder = scratch('profiles')
    profile(folder, 'alice', ALICE, 7)
    profile(folder, 'bob', BOB, 0)
    const notes = scratch('notes')
    const config = `[ssh]\nSPA = knockknock\nProfiles = ${folder}\nOpen_Ports = tcp/22, tcp/80\nOpen_For = 10m\nStart_Command = echo $POSTERN_USER $POSTERN_PORT >> ${notes}\n`
    const daemon = await startKnockd({ host: server, config })
    running = daemon.process
    await knockknock(client, 22, ALICE, 7)
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice)`)
    await until('ssh to be open', async () => (await probe(client, SERVER_4, 22)) === 'open')
    expect(await probe(client, SERVER_4, 80)).not.toBe('open')
    // Used, older, too far ahead, a port that the door has not: then one that skips ahead, which shows that those came.
    await knockknock(client, 80, ALICE, 7)
    await knockknock(client, 80, ALICE, 6)
    await knockknock(client, 80, ALICE, 8 + COUNTER_WINDOW_DEFAULT)
    await knockknock(client, 443, BOB, 0)
    await running.line(/ssh: bob asks for tcp\/443, which the door does not open/)
    await knockknock(client, 80, ALICE, 8 + COUNTER_WINDOW_DEFAULT - 1)
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (alice)`)
    await until('both notes', () => lines(notes).length === 2)
    expect(lines(notes)).toEqual(['alice 22', 'alice 80'])
    running.kill('SIGKILL')
    await running.ended
    running = await startAgain(server, daemon)
    for (const counter of [7, 8, 27]) await knockknock(client, 22, ALICE, counter)
    await knockknock(client, 22, BOB, 0)
    await knockknock(client, 22, BOB, 1)
    expect(await running.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME (bob)`)
    await until('the note', () => lines(notes).length > 2)
    expect(lines(notes).slice(2)).toEqual(['bob 22'])
    for (const service of services) await service.stop()
  })

  test('opens one door, where two have the same profile, and not the other one when it is played back', async () => {
    const { server, client } = await pair()
    const folder = scratch('profiles')
    profile(folder, 'alice', ALICE, 0)
    const door = (name: string): string =>
      `[${name}]\nSPA = knockknock\nProfiles = ${folder}\nOpen_Ports = tcp/22\nOpen_For = 10m\n`
    const daemon = await startKnockd({ host: server, config: `${door('one')}${door('two')}` })
    running = daemon.process
    await knockknock(client, 22, ALICE, 0)
    await running.line(/OPEN SESAME/)
    for (let time = 0; time < 3; time++) await knockknock(client, 22, ALICE, 0)
    await knockknock(client, 22, ALICE, 1)
    await running.line(/OPEN SESAME/)
    expect(running.lines.filter((line) => line.includes('OPEN SESAME'))).toEqual([
      `${CLIENT_4}: one: OPEN SESAME (alice)`,
      `${CLIENT_4}: one: OPEN SESAME (alice)`,
    ])
  })
})
