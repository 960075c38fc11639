// Goal: a code from a phone opens the door once, on real packets; its neighbours do too, older ones do not; no code opens
// twice, whoever plays it back, whatever is killed; and the change of the period leaves no gap.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { codeOf, periodAt } from '../../src/totp/code.ts'
import type { TotpSecret } from '../../src/totp/code.ts'
import { knocksOfCode } from '../../src/totp/ports.ts'
import { secretUri } from '../../src/totp/secret-text.ts'
import { SLOW } from '../slow.ts'
import { asked } from './guarded.ts'
import { knock, program } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'
import { sendKnocks } from './service.ts'
import { recordedOf } from './recorded.ts'
import { OneDaemon, SharedDaemon } from './one-daemon.ts'

/** Rounds of kill -9 at a random moment. */
const ROUNDS = SLOW ? 1_000 : 2
/** Changes of the period, with a knock at each. */
const PERIODS = SLOW ? 3 : 1
/** Milliseconds after the knock begins in which the daemon is killed: longer than all it does takes. */
const KILL_WITHIN_MS = 120

/** Long periods, so that no test meets their end by chance but where it waits for it. */
const SECRET: TotpSecret = {
  key: Uint8Array.from({ length: 20 }, (_, index) => index * 7 + 1),
  algorithm: 'SHA1',
  digits: 8,
  periodS: 3_600,
}

const one = new OneDaemon()
/** For tests that end no daemon, each with a secret of its own. */
const shared = new SharedDaemon()

let madeSoFar = 0
/** A secret that no other test has: a code can be used once. */
const fresh = (periodS = SECRET.periodS): TotpSecret => ({
  ...SECRET,
  periodS,
  key: SECRET.key.with(0, 100 + ++madeSoFar),
})

const secretFile = (secret: TotpSecret): string => {
  const file = scratch('secret')
  writeFileSync(file, `${secretUri(secret, 'gate.example', 'ssh')}\n`, { mode: 0o600 })
  return file
}

const door = (name: string, lines: readonly string[], notes: string): string =>
  [`[${name}]`, ...lines, `Start_Command = echo ${name} %IP% $POSTERN_USER >> ${notes}`, ''].join('\n')

const lines = (file: string): readonly string[] =>
  readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean)

/** Knocks as anybody with telnet would: a port after the other. */
const knockCode = async (client: Host, code: string, to = SERVER_4): Promise<void> => {
  await sendKnocks(
    client,
    to,
    knocksOfCode(code).map(({ port }) => String(port)),
  )
}

const codeAt = (secret: TotpSecret, periods = 0): string => codeOf(secret, periodAt(secret, Date.now()) + periods)

lab('time-based codes', () => {
  test('of this period and its neighbours open once each; others do not', async () => {
    const notes = scratch('notes')
    const secret = fresh()
    const file = secretFile(secret)
    const { client, daemon } = await shared.with(door('ssh', [`TOTP_Secret_File = ${file}`], notes))
    await knockCode(client, codeAt(secret))
    expect(await daemon.process.line(/OPEN/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
    await until('the first note', () => lines(notes).length >= 1)
    await knockCode(client, codeAt(secret, 1), SERVER_6)
    expect(await daemon.process.line(/OPEN/)).toBe(`${CLIENT_6}: ssh: OPEN SESAME`)
    // Used, too old, too new; then the one that is left, which shows that those before have been looked at.
    await knockCode(client, codeAt(secret))
    await knockCode(client, codeAt(secret, -2), SERVER_6)
    await knockCode(client, codeAt(secret, 2), SERVER_6)
    await until('both notes', () => lines(notes).length >= 2)
    await knockCode(client, codeAt(secret, -1))
    await until('the third opening', () => lines(notes).length >= 3)
    expect(lines(notes)).toEqual([`ssh ${CLIENT_4}`, `ssh ${CLIENT_6}`, `ssh ${CLIENT_4}`])
  })

  test('of the secret that postern keygen made, by knock --totp-file: nothing is typed', async () => {
    const notes = scratch('notes')
    const file = scratch('totp')
    const made = await asked(['keygen', 'totp', 'ssh', '--file', file])
    expect(made.stdout).toMatch(/otpauth:\/\/totp\//)
    expect(made.stdout).toMatch(/[█▀▄]{10}/)
    const [line] = /TOTP_Secret_File = \S+/.exec(made.stdout)!
    const { client } = await shared.with(door('ssh', [line], notes))
    expect((await knock(client, ['--totp-file', file, SERVER_4])).code).toBe(0)
    await until('the opening', () => lines(notes).length === 1)
  }, 60_000)

  test('typed into telnet and nc, a port after the other', async () => {
    const notes = scratch('notes')
    const secret = fresh()
    const { client } = await shared.with(door('ssh', [`TOTP_Secret_File = ${secretFile(secret)}`], notes))
    const ways = [
      (port: number) => ['timeout', '1', 'telnet', SERVER_4, String(port)],
      (port: number) => ['nc', '-z', '-w', '1', SERVER_4, String(port)],
    ]
    for (const [index, way] of ways.entries()) {
      for (const { port } of knocksOfCode(codeAt(secret, index))) await client.run(way(port), { mayFail: true })
      await until('the opening', () => lines(notes).length > index)
    }
    expect(lines(notes)).toHaveLength(2)
  })

  test('at two doors with one secret, and behind a fixed sequence: one code, one opening', async () => {
    const notes = scratch('notes')
    const secret = fresh()
    const file = secretFile(secret)
    const lined = [`TOTP_Secret_File = ${file}`, 'TOTP_Skew = 0']
    const config = `${door('one', lined, notes)}${door('two', ['Sequence = 8123,7456', ...lined], notes)}`
    const { client, daemon } = await shared.with(config)
    const [first, second] = knocksOfCode(codeAt(secret)).map(({ port }) => String(port)) as [string, string]
    // Both doors' knocks are in this: the longer sequence opens its door, and the code is used up for the other.
    await sendKnocks(client, SERVER_4, ['8123', '7456', first, second])
    await daemon.process.line(/two: OPEN SESAME/)
    await sendKnocks(client, SERVER_4, [first, second])
    await daemon.process.line(/one: this code was used before/)
    await until('the opening', () => lines(notes).length > 0)
    expect(lines(notes)).toEqual([`two ${CLIENT_4}`])
    expect(daemon.process.count(/one: OPEN SESAME/)).toBe(0)
  })

  test('no gap at the change of period, flooded or not; postern replay of a capture says what opened, and once', async () => {
    const notes = scratch('notes')
    const [brief, floodedOne] = [fresh(5), fresh(6)]
    const config = [brief, floodedOne].map((secret, index) =>
      door(`door${index}`, [`TOTP_Secret_File = ${secretFile(secret)}`, 'TOTP_Skew = 0'], notes),
    )
    const { server, client, daemon } = await shared.with(config.join(''))
    const opened = (name: string): number => lines(notes).filter((line) => line.startsWith(name)).length
    // With no skew at all, the code that the phone shows opens, a new one in its first moment.
    const atEachChange = async (): Promise<void> => {
      await knockCode(client, codeAt(brief))
      await until('the opening', () => opened('door0') === 1)
      for (let round = 2; round <= 1 + PERIODS; round++) {
        await knockCode(client, codeAt(brief))
        const next = (periodAt(brief, Date.now()) + 1) * brief.periodS * 1000
        await until('the next period', () => Date.now() >= next, 10_000)
        await knockCode(client, codeAt(brief))
        await until('the next opening', () => opened('door0') >= round)
      }
      expect(opened('door0')).toBe(1 + PERIODS)
    }
    // A flood of the port that the next code will have does not shut it out.
    const flooded = async (): Promise<void> => {
      const { periodS } = floodedOne
      const begins = (periodAt(floodedOne, Date.now()) + 1) * periodS * 1000
      const wait = begins - Date.now()
      // In time for the flood to be over before the code is known to the gate; else the period after the next one.
      const later = wait > 3_000 ? 0 : 1
      const code = codeAt(floodedOne, 1 + later)
      const port = knocksOfCode(code)[0]!.port
      const flood = ['hping3', '-q', '-S', '-p', String(port), '-i', 'u1000', '-c', '600', '-a', '192.0.2.66', SERVER_4]
      await client.run(flood, { mayFail: true })
      await until('the code to be good', () => Date.now() >= begins + later * periodS * 1000, 20_000)
      await knockCode(client, code, SERVER_6)
      await until('the opening', () => opened('door1') > 0)
    }
    const flooding = flooded()
    const capture = await recordedOf(server, `tcp and src host ${CLIENT_4}`, atEachChange)
    await flooding
    const { stdout } = await server.run([process.execPath, program('postern'), 'replay', '-c', daemon.file, capture])
    expect(stdout.match(/door0: OPEN SESAME/g)).toHaveLength(1 + PERIODS)
  }, 60_000)

  test(`killed at any moment, ${ROUNDS} times: no code opens twice`, async () => {
    const { server, client } = await pair()
    const notes = scratch('notes')
    // Enough codes for every round, each good for the whole test.
    const users = scratch('users')
    const secrets = Array.from({ length: ROUNDS + 1 }, (_, index): TotpSecret => ({
      ...SECRET,
      key: Uint8Array.from({ length: 20 }, (__, at) => (index * 31 + at * 17 + 3) & 255).fill(index >> 8, 0, 1),
    }))
    const text = secrets.map((secret, index) => `u${index} ${secretUri(secret, 'gate', 'ssh')}\n`).join('')
    writeFileSync(users, text, { mode: 0o600 })
    const config = door('ssh', [`Users = ${users}`, 'TOTP_Skew = 0', 'Seq_Timeout = 5'], notes)
    const daemon = await one.start(server, config)
    for (const [index, secret] of secrets.slice(0, ROUNDS).entries()) {
      const code = codeAt(secret)
      const wait = Math.random() * KILL_WITHIN_MS
      const end = performance.now() + wait
      const knocking = knockCode(client, code)
      await until('the moment', () => performance.now() >= end)
      one.running?.kill('SIGKILL')
      await one.running?.ended
      await knocking
      await one.again(server, daemon)
      // Played back: whatever became of it, not once more than once.
      await knockCode(client, code)
      await knockCode(client, code, SERVER_6)
      const opened = lines(notes).filter((line) => line.split(' ')[2] === `u${index}`)
      expect(opened.length, `code of round ${index}`).toBeLessThanOrEqual(1)
    }
    // Behind the other knocks one opens for certain, as nothing kills the daemon meanwhile.
    await until('the last knock', async () => {
      await knockCode(client, codeAt(secrets[ROUNDS]!))
      return lines(notes).some((line) => line.split(' ')[2] === `u${ROUNDS}`)
    })
    const byUser = new Map<string, number>()
    for (const line of lines(notes)) {
      const user = line.split(' ')[2]!
      byUser.set(user, (byUser.get(user) ?? 0) + 1)
    }
    expect([...byUser.values()].filter((count) => count > 1)).toEqual([])
  }, 1_200_000)
})
