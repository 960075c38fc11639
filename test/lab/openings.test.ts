// Goal: nothing stays open by accident. Whatever ends the daemon, and whenever, the next start closes what is overdue at
// once and the rest on time; a one-time sequence opens once, whatever is killed when.
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { statusOf } from './guarded.ts'
import { CLIENT_4, SERVER_4, lab } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import { scratch } from './scratch.ts'
import { sendKnocks } from './service.ts'
import { SharedDaemon } from './one-daemon.ts'

/** Milliseconds after the knock begins in which the daemon is killed: longer than all it does takes. */
const KILL_WITHIN_MS = 150
/** Rounds of kill -9 at a random moment. */
const ROUNDS = SLOW ? 200 : 2

const shared = new SharedDaemon()

/** A door that notes each start and stop in a file. */
const noting = (file: string, seconds: number): string =>
  [
    '[timed]',
    'Sequence = 7301,8822',
    `Start_Command = echo start %IP% >> ${file}`,
    `Cmd_Timeout = ${seconds}`,
    `Stop_Command = echo stop %IP% >> ${file}`,
    '',
  ].join('\n')

const notes = (file: string): readonly string[] =>
  existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean) : []

const open = async (client: Host): Promise<void> => {
  await sendKnocks(client, SERVER_4, ['7301', '8822'])
}

/** What is open, by the daemon that runs. */
const openings = async (server: Host): Promise<readonly unknown[]> => (await statusOf(server, shared.daemon)).openings

lab('timed openings', () => {
  test('close by themselves, with the lines that knockd writes', async () => {
    const file = scratch('notes')
    const { client, daemon } = await shared.with(noting(file, 1))
    await open(client)
    expect(await daemon.process.line(/timeout/)).toBe(`${CLIENT_4}: timed: command timeout`)
    expect(await daemon.process.line(/running/)).toBe(`timed: running command: echo stop ${CLIENT_4} >> ${file}`)
    await until('both notes', () => notes(file).length === 2)
    expect(notes(file)).toEqual([`start ${CLIENT_4}`, `stop ${CLIENT_4}`])
  })

  test('are extended by a repeated knock, which stacks no second rule', async () => {
    const file = scratch('notes')
    const { client, daemon } = await shared.with(noting(file, 2))
    for (let times = 0; times < 3; times++) {
      await open(client)
      await daemon.process.line(/OPEN SESAME/)
    }
    await daemon.process.line(/command timeout/)
    await until('both notes', () => notes(file).length === 2)
    expect(notes(file)).toEqual([`start ${CLIENT_4}`, `stop ${CLIENT_4}`])
  })

  test('are closed on SIGTERM', async () => {
    const file = scratch('notes')
    const { server, client, daemon } = await shared.with(noting(file, 600))
    await open(client)
    await daemon.process.line(/running command/)
    const exit = await daemon.process.stop()
    expect(exit.code).toBe(0)
    expect(notes(file)).toEqual([`start ${CLIENT_4}`, `stop ${CLIENT_4}`])
    await shared.again()
    expect(await openings(server)).toEqual([])
    expect(notes(file)).toHaveLength(2)
  })

  test('are closed by the next start after kill -9: overdue ones at once, the others on time', async () => {
    const file = scratch('notes')
    const later = scratch('notes')
    const longer = noting(later, 6).replace('timed', 'longer').replace('7301', '7302')
    const { client, daemon } = await shared.with(`${noting(file, 2)}${longer}`)
    await sendKnocks(client, SERVER_4, ['7302', '8822'])
    await until('the first start', () => notes(later).length === 1)
    const opened = performance.now()
    await open(client)
    await until('the second start', () => notes(file).length === 1)
    const overdue = performance.now() + 2_200
    daemon.process.kill('SIGKILL')
    await daemon.process.ended
    await until('the deadline has passed while nothing runs', () => performance.now() > overdue)
    const next = await shared.again()
    await next.line(/timed: command timeout/)
    await until('the stop', () => notes(file).length === 2)
    expect(notes(later)).toHaveLength(1)
    await next.line(/longer: command timeout/)
    expect(performance.now() - opened).toBeGreaterThan(5_500)
    await until('the other stop', () => notes(later).length === 2)
  })

  test(`${ROUNDS} rounds of kill -9 at a random moment leave nothing open`, async () => {
    const file = scratch('notes')
    const { server, client, daemon } = await shared.with(noting(file, 1))
    let { process } = daemon
    for (let round = 0; round < ROUNDS; round++) {
      const knocking = open(client)
      // The moment is what is tried: from before the first knock to after the last command.
      await pause(Math.random() * KILL_WITHIN_MS)
      process.kill('SIGKILL')
      await knocking
      await process.ended
      process = await shared.again()
    }
    await until('nothing is open', async () => (await openings(server)).length === 0)
    // What started before a kill may be closed twice, as the close was not on disk yet; never not at all.
    await until('the last is a stop', () => notes(file).at(-1)?.startsWith('start') !== true)
  }, 240_000)

  test('outlive a reload, even one that takes their door away', async () => {
    const file = scratch('notes')
    const { client, daemon } = await shared.with(noting(file, 2))
    await open(client)
    await daemon.process.line(/running command/)
    const text = readFileSync(daemon.file, 'utf8').replace('[timed]', '[other]').replace('7301', '7399')
    writeFileSync(daemon.file, text)
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/re-reading/)
    await daemon.process.line(/timed: command timeout/)
    await until('both notes', () => notes(file).length === 2)
    await sendKnocks(client, SERVER_4, ['7399', '8822'])
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: other: OPEN SESAME`)
  })
})

lab('reload', () => {
  test('with a bad config changes nothing, says why, and goes on', async () => {
    const { client, daemon } = await shared.with('[ssh]\nSequence = 7301,8822\nStart_Command = echo open\n')
    const good = readFileSync(daemon.file, 'utf8')
    writeFileSync(daemon.file, `${good}Seq_Timeout = ten\n`)
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/knockd\.conf:\d+:\d+: error: /)
    await open(client)
    expect(await daemon.process.line(/OPEN SESAME/)).toBe(`${CLIENT_4}: ssh: OPEN SESAME`)
  })

  test('lets the attempts at unchanged doors live on', async () => {
    const { client, daemon } = await shared.with('[ssh]\nSequence = 7301,8822\nStart_Command = echo open\n')
    await sendKnocks(client, SERVER_4, ['7301'])
    await daemon.process.line(/Stage 1/)
    writeFileSync(daemon.file, `${readFileSync(daemon.file, 'utf8')}[new]\nSequence = 9301\nStart_Command = echo new\n`)
    daemon.process.kill('SIGHUP')
    await daemon.process.line(/re-reading/)
    await until('the new door', async () => {
      await sendKnocks(client, SERVER_4, ['9301'])
      return daemon.process.count(/new: OPEN SESAME/) > 0
    })
    await sendKnocks(client, SERVER_4, ['8822'])
    await daemon.process.line(/ssh: OPEN SESAME/)
  })
})

const oneTime = (list: string): string =>
  `[options]\nScan_Ports = 0\n[once]\nOne_Time_Sequences = ${list}\nStart_Command = echo opened\nSeq_Timeout = 5\n`

lab('one-time sequences', () => {
  test('open once each, in order, marked out in place; the file may be edited between uses', async () => {
    const list = scratch('list')
    writeFileSync(list, '# mine\n 7301,8822:udp\n7302,8823\n')
    const { client, daemon } = await shared.with(oneTime(list))
    await sendKnocks(client, SERVER_4, ['7302', '8823'])
    await sendKnocks(client, SERVER_4, ['7301', '8822:udp'])
    await daemon.process.line(/once: command printed/)
    expect(readFileSync(list, 'utf8')).toBe('# mine\n#7301,8822:udp\n7302,8823\n')
    await sendKnocks(client, SERVER_4, ['7301', '8822:udp'])
    writeFileSync(list, '# mine\n#7301,8822:udp\n 7304,8825\n7302,8823\n')
    await until('the edited list', async () => {
      await sendKnocks(client, SERVER_4, ['7304', '8825'])
      return daemon.process.count(/OPEN SESAME/) === 2
    })
    await daemon.process.line(/once: command printed/)
    expect(readFileSync(list, 'utf8')).toContain('#7304,8825\n7302,8823')
    await sendKnocks(client, SERVER_4, ['7302', '8823'])
    // Which of the two is said first is nobody's concern.
    await until('it is disabled', () => daemon.process.count(/disabled, no sequence is left/) === 1)
    await until('it was opened', () => daemon.process.count(/OPEN SESAME/) >= 3)
    expect(daemon.process.count(/OPEN SESAME/)).toBe(3)
  })

  test('a used one opens nothing after kill -9, nor from an old copy of the file', async () => {
    const list = scratch('list')
    // No other test has used these.
    writeFileSync(list, ' 7305,8826\n 7306,8827\n')
    const { client, daemon } = await shared.with(oneTime(list))
    await sendKnocks(client, SERVER_4, ['7305', '8826'])
    await daemon.process.line(/running command/)
    daemon.process.kill('SIGKILL')
    await daemon.process.ended
    writeFileSync(list, ' 7305,8826\n 7306,8827\n')
    const next = await shared.again()
    await sendKnocks(client, SERVER_4, ['7305', '8826'])
    await sendKnocks(client, SERVER_4, ['7306', '8827'])
    await next.line(/OPEN SESAME/)
    await next.stop()
    expect(next.count(/OPEN SESAME/)).toBe(1)
    expect(next.count(/Stage 1/)).toBe(1)
  })
})
