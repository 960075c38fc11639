// Goal: what happens at a real daemon is seen as it happens, counted over restarts, and told in forms that others read; a
// flood of strangers displaces nothing of owners; and a reader that stops reading hurts neither the daemon nor the others.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ask } from '../../src/control/client.ts'
import type { Status } from '../../src/control/message.ts'
import { socketPath } from '../../src/control/socket.ts'
import { KEPT_MAX } from '../../src/log/kept-events.ts'
import { parseOpenMetrics } from '../schema/openmetrics.ts'
import { faultsOf } from '../schema/schema.ts'
import { SLOW } from '../slow.ts'
import { framesTo, send, writeFrames } from './flood.ts'
import { asked, postern } from './guarded.ts'
import { program, withStateDir } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { OneDaemon } from './one-daemon.ts'
import { until } from './process.ts'
import type { Output } from './process.ts'
import { scratch } from './scratch.ts'
import { sendKnocks } from './service.ts'

const one = new OneDaemon()
const KNOCKS = ['4021', '811', '3010'] as const
/** A name with everything that a format could mistake for its own. */
const HOSTILE = 'a"b\\c{d="e"} |x'
const CONFIG = `[ssh]
Sequence = ${KNOCKS.join()}
Open_Ports = tcp/22
Open_For = 30s
[${HOSTILE}]
Sequence = 4121,812,3110
Start_Command = false
`

/** A door whose command prints 20 lines, which are an event each. */
const TALKS = `[talks]
Sequence = 4221,813,3210
Cooldown = 0
Start_Command = printf '%0200d\\n' ${Array.from({ length: 20 }, (_, index) => index + 1).join(' ')}
`
/** So many openings of it fill the memory for events, and more. */
const FILLING = SLOW ? 600 : 520

type Line = Readonly<Record<string, unknown>>

/** The state of a daemon that has ended, which {@link postern} would wait for. */
async function ended({ file }: Knockd, ...args: readonly string[]): Promise<Output> {
  return await asked(['status', ...args, '-c', file])
}

/** The events that a command prints, each of which is as the schema says. */
async function events(host: Host, daemon: Knockd, ...args: readonly string[]): Promise<readonly Line[]> {
  const { code, stdout, stderr } = await postern(host, daemon, 'events', '--json', ...args)
  expect([code, stderr]).toEqual([0, ''])
  return linesOf(stdout)
}

function parsed(text: string): readonly Line[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

function linesOf(text: string): readonly Line[] {
  const lines = parsed(text)
  expect(lines.flatMap((line) => faultsOf(line, 'events'))).toEqual([])
  return lines
}

async function statusOf(host: Host, daemon: Knockd): Promise<Status> {
  const status = JSON.parse((await postern(host, daemon, 'status', '--json')).stdout) as Status
  expect(faultsOf(status, 'status')).toEqual([])
  return status
}

/** The memory of a process that no other shares, in KiB (proc(5), smaps_rollup). */
function privateKiB(pid: number): number {
  return Number(/^Private_Dirty: +(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}

lab('events', () => {
  test('what happens is shown, followed over a reload, and counted over a restart and a kill', async () => {
    const { server, client } = await pair()
    const daemon = await one.start(server, CONFIG)
    const follow = [process.execPath, program('postern'), 'events', '--json', '--follow', '-c', daemon.file]
    const follower = server.start(follow)
    await follower.line(/"starting"/)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await follower.line(/"kind":"opened"/)
    await sendKnocks(client, SERVER_4, ['4121', '812', '3110'])
    await follower.line(/"event":"status"/)
    await postern(server, daemon, 'close', 'ssh')
    await follower.line(/"by-hand"/)
    writeFileSync(
      daemon.file,
      withStateDir(`${CONFIG}\n[late]\nSequence = 1,2,3\nOpen_Ports = tcp/80\n`, daemon.stateDir),
    )
    daemon.process.kill('SIGHUP')
    await follower.line(/"re-reading"/)

    const all = await events(server, daemon)
    const kinds = all.map(({ event, kind }) => kind ?? event)
    expect(kinds).toEqual(expect.arrayContaining(['stage', 'open', 'opened', 'command', 'status', 'by-hand', 'closed']))
    expect(all.find(({ event }) => event === 'open')).toMatchObject({ door: 'ssh', source: CLIENT_4 })
    expect(all.find(({ event }) => event === 'open')!['tookMs']).toBeLessThan(10_000)
    expect((await events(server, daemon, '--door', HOSTILE)).every(({ door }) => door === HOSTILE)).toBe(true)
    expect((await events(server, daemon, '--door', 'ssh', '--source', '192.0.2.0/24')).length).toBeGreaterThan(3)
    expect(await events(server, daemon, '--door', 'ssh', '--source', '198.51.100.1')).toEqual([])
    expect(await events(server, daemon, '--user', 'alice')).toEqual([])
    expect(await events(server, daemon, '--since', '1ms')).toEqual([])
    expect((await events(server, daemon, '--since', '1h')).length).toBe(all.length)
    const text = (await postern(server, daemon, 'events')).stdout
    expect(text).toMatch(new RegExp(`^20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d ${CLIENT_4}: ssh: OPEN SESAME$`, 'm'))
    expect(text).toContain(`${CLIENT_4}: ${HOSTILE}: OPEN SESAME\n`)
    expect((await postern(server, daemon, 'events', '--source', 'home')).code).toBe(2)

    const { totals } = await statusOf(server, daemon)
    expect(totals!.start).toMatchObject({
      openings: { ssh: 1, [HOSTILE]: 1 },
      commandFailures: { [HOSTILE]: 1 },
      packets: { lost: 0 },
    })
    expect(totals!.start.packets!.taken).toBeGreaterThanOrEqual(6)
    expect(totals!.start.latency!.counts.reduce((sum, count) => sum + count)).toBe(2)
    await daemon.process.stop()
    // The last event comes too, and the end is told.
    expect(await follower.ended).toMatchObject({ code: 1 })
    expect(linesOf(follower.stdout).at(-1)).toMatchObject({ event: 'shutting-down' })
    expect(follower.stderr).toContain('postern: knockd has ended\n')

    await one.again(server, daemon)
    await until('the daemon answers', async () => (await postern(server, daemon, 'status', '--quiet')).code === 0)
    const after = (await statusOf(server, daemon)).totals!
    expect(after.start.openings).toEqual({})
    expect(after.all).toMatchObject({ openings: { ssh: 1, [HOSTILE]: 1 }, commandFailures: { [HOSTILE]: 1 } })
    expect(after.since).toBe(totals!.since)

    // Killed, it begins again with whole counts; what others could have written counts for nothing.
    one.running!.kill('SIGKILL')
    await one.running!.ended
    await one.again(server, daemon)
    await until('the counts are there', async () => {
      const { stdout } = await postern(server, daemon, 'status', '--json')
      return stdout !== '' && (JSON.parse(stdout) as Status).totals?.all.openings['ssh'] === 1
    })
    await one.running!.stop()
    const journal = (await server.run(['sh', '-c', `ls ${daemon.stateDir}/*.journal`])).stdout.trim()
    const counters = journal.replace(/journal$/, 'counters')
    expect(existsSync(counters)).toBe(true)
    await server.run(['chmod', '666', counters])
    const second = await one.again(server, daemon)
    expect(second.stderr + second.stdout).toMatch(
      /counters: others than its owner can change it .*: counting from zero/,
    )
  })

  test('as metrics, for Nagios, for monitors, and as text of 80 columns', async () => {
    const { server, client } = await pair()
    const daemon = await one.start(server, CONFIG)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await daemon.process.line(/OPEN SESAME/)
    const metrics = await postern(server, daemon, 'status', '--openmetrics')
    const families = parseOpenMetrics(metrics.stdout)
    const openings = families.find(({ name }) => name === 'postern_openings_total')!
    expect(openings.samples.map(({ labels, value }) => [labels.get('door'), value])).toEqual([['ssh', 1]])
    const file = scratch('postern.prom')
    writeFileSync(file, 'earlier\n')
    expect(await postern(server, daemon, 'status', '--openmetrics', '--to', file)).toMatchObject({
      code: 0,
      stdout: '',
    })
    expect(parseOpenMetrics(readFileSync(file, 'utf8')).length).toBe(families.length)
    expect(statSync(file).mode & 0o777).toBe(0o644)
    const nagios = await postern(server, daemon, 'status', '--nagios')
    expect(nagios).toMatchObject({ code: 0 })
    expect(nagios.stdout).toMatch(/^POSTERN OK - 2 doors, 1 open \| doors=2 open=1 openings=1c .*\n$/)
    expect(await postern(server, daemon, 'status', '--quiet')).toMatchObject({ code: 0, stdout: '', stderr: '' })
    const text = await postern(server, daemon, 'status')
    expect(text.code).toBe(0)
    expect(text.stdout.split('\n').filter((line) => line.length > 80 && !line.startsWith('knockd '))).toEqual([])
    expect(text.stdout).toMatch(/^ {2}capture +ok +1 interface$/m)

    await server.run(['ip', 'link', 'del', 'eth0'])
    await until('it is said', async () => (await postern(server, daemon, 'status', '--quiet')).code === 1)
    expect(await postern(server, daemon, 'status', '--nagios')).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^POSTERN CRITICAL - capture: eth0 is not captured: .* \| /) as string,
    })
    await daemon.process.stop()
    expect(await ended(daemon, '--openmetrics', '--to', file)).toMatchObject({ code: 1 })
    expect(readFileSync(file, 'utf8')).toMatch(/^postern_up 0$/m)
    expect(await ended(daemon, '--nagios')).toMatchObject({ code: 2 })
    expect((await ended(daemon, '--quiet')).code).toBe(1)
  })

  test('a flood of first knocks from everywhere displaces no event of an owner', async () => {
    const { server, client } = await pair()
    const daemon = await one.start(server, CONFIG)
    await sendKnocks(client, SERVER_4, KNOCKS)
    await daemon.process.line(/OPEN SESAME/)
    const packets = Array.from({ length: 4_000 }, (_, index) => ({
      from: `10.${index & 255}.${index >>> 8}.7`,
      to: SERVER_4,
      port: 4_021,
      flags: 2,
    }))
    const flood = send(client, writeFrames(await framesTo(server, packets)), 4_000, SLOW ? 5 : 2)
    await flood.ended
    await sendKnocks(client, SERVER_4, KNOCKS)
    await daemon.process.line(/is open already/)
    const all = await events(server, daemon)
    const strangers = all.filter(({ event }) => event === 'stage' || event === 'sequence-timeout')
    expect(strangers.length).toBeGreaterThan(300)
    expect(strangers.length).toBeLessThanOrEqual(800)
    expect(all.filter(({ event, source }) => event === 'open' && source === CLIENT_4)).toHaveLength(2)
    expect((await statusOf(server, daemon)).totals!.start.packets!.taken).toBeGreaterThan(SLOW ? 5_000 : 2_000)
  })

  test('a reader that stops reading costs bounded memory and no time, and is told what it missed', async () => {
    const { server, client } = await pair()
    const daemon = await one.start(server, `${CONFIG}${TALKS}`)
    const { pid } = daemon.process
    const follow = [process.execPath, program('postern'), 'events', '--json', '--follow', '-c', daemon.file]
    const [stopped, reader] = [server.start(follow), server.start(follow)]
    for (const each of [stopped, reader]) await each.line(/"starting"/)
    const path = socketPath(daemon.file, ['eth0'])
    const sources = ['192.0.2.11', '192.0.2.12', '192.0.2.13', '192.0.2.14']
    const many = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += sources.length) {
        await Promise.all(sources.map(async (source) => await ask(path, { command: 'open', door: 'talks', source })))
      }
    }
    await many(40)
    const before = privateKiB(pid)
    stopped.kill('SIGSTOP')
    const cpu = cpuMs(pid)
    await many(FILLING)
    const used = cpuMs(pid) - cpu
    const grown = privateKiB(pid) - before
    if (process.env.MEASURE !== undefined) console.log(`${used} ms CPU, ${grown} KiB more`)
    expect(grown).toBeLessThan(20 * 1_024)
    const began = performance.now()
    await sendKnocks(client, SERVER_4, KNOCKS)
    await daemon.process.line(/ssh: OPEN SESAME/)
    expect(performance.now() - began).toBeLessThan(5_000)
    await reader.line(/"kind":"opened"/)
    stopped.kill('SIGCONT')
    await stopped.line(/"kind":"opened"/)
    const all = parsed(reader.stdout)
    expect(all.length).toBeGreaterThan(20 * FILLING)
    expect(all.filter(({ event }) => event === 'missed')).toEqual([])
    const lines = parsed(stopped.stdout)
    const missed = lines.flatMap(({ event, events: count }) => (event === 'missed' ? [count as number] : []))
    expect(missed.length).toBeGreaterThan(0)
    // Nothing is lost that is not told.
    expect(lines.length - missed.length + missed.reduce((total, count) => total + count, 0)).toBe(all.length)
    const { stdout } = await postern(server, daemon, 'events', '--json')
    expect(parsed(stdout).length).toBeLessThanOrEqual(KEPT_MAX)
  }, 180_000)
})
