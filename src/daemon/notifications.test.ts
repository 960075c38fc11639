// Goal: a command is told of its events, within its limits, and neither events nor doors wait for it. Unknown sources
// take nothing from owners, and no notification causes another one.
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EVENT_NAMES } from '../config/on-event.ts'
import { readConfig } from '../config/read.ts'
import type { CommandLine, Outcome } from '../door/command.ts'
import type { LogEvent } from '../log/event.ts'
import { KINDS } from '../log/format.ts'
import { Log } from '../log/log.ts'
import { parseAddress } from '../packet/address.ts'
import { REPORT_MS } from './minute-report.ts'
import { NOTIFICATION_LIMITS, NOTIFICATION_MAX_MS } from './notification-lane.ts'
import { NOTIFICATIONS_END_MS, Notifications } from './notifications.ts'

const { owners, strangers } = NOTIFICATION_LIMITS
const DOORS = `[ssh]
Sequence = 7301,822,9403
Open_Ports = tcp/22
[wake]
Sequence = 7302,822,9403
Start_Command = true
`
const SOURCE = parseAddress('192.0.2.7')!
const address = (number: number) => parseAddress(`198.51.${number >> 8}.${number & 255}`)!
const OK: Outcome = { kind: 'exited', status: 0, output: '' }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const turn = async (): Promise<void> => {
  for (let count = 0; count < 5; count++) await new Promise((resolve) => void setImmediate(resolve))
}

function bench(onEvent: readonly string[], commands = 'ends' as 'ends' | 'hangs' | Outcome) {
  const lines: string[] = []
  const stream = { write: () => true }
  const log = new Log(
    { format: 'knockd', file: undefined, syslog: false, verbose: false, debug: false, lookup: false },
    {
      now: () => 0,
      stdout: stream,
      stderr: stream,
      syslog: undefined,
      lookup: async () => undefined,
    },
  )
  const ran: CommandLine[] = []
  const clock = { now: 0 }
  const counts = { running: 0, most: 0 }
  const runner = {
    async run(command: CommandLine): Promise<Outcome> {
      ran.push(command)
      counts.most = Math.max(counts.most, ++counts.running)
      const outcome = await new Promise<Outcome>((resolve) => {
        const killed: Outcome = { kind: 'killed', signal: 'SIGKILL', output: '' }
        command.ending!.addEventListener('abort', () => resolve(killed))
        if (commands !== 'hangs') resolve(commands === 'ends' ? OK : commands)
      })
      counts.running--
      return outcome
    },
  }
  const notifications = new Notifications({ log, runner, now: () => clock.now })
  const replace = (lines_: readonly string[], more = '', as?: string): void => {
    const text = `[options]\n${more}${lines_.map((line) => `On_Event = ${line}\n`).join('')}${DOORS}`
    notifications.replace(readConfig(text, 'knockd.conf').config!, as)
  }
  replace(onEvent)
  log.attach({ admitted: (_, { text }) => void lines.push(text) })
  log.attach(notifications)
  const said = (): readonly string[] => lines.filter((line) => line.startsWith('On_Event'))
  return { clock, counts, log, notifications, ran, replace, said }
}

const open = (door = 'ssh', source = SOURCE): LogEvent => ({ kind: 'open', source, door, user: 'alice' })
const opened: LogEvent = {
  kind: 'opened',
  source: '192.0.2.7',
  door: 'ssh',
  what: 'tcp/22',
  seconds: 60,
  user: 'alice',
}

test('every event of the daemon but those for debugging and replays has a name', () => {
  const without = new Set(['explanation', 'would-run', 'would-be'])
  expect([...EVENT_NAMES].toSorted()).toEqual(KINDS.filter((kind) => !without.has(kind)).toSorted())
})

const perMinute = ({ perSecond }: { perSecond: number }): number => Math.round(perSecond * 60)

test('the manual has the limits', () => {
  const manual = readFileSync(new URL('../../man/knockd.conf.5', import.meta.url), 'utf8').replaceAll(/\n/g, ' ')
  const { source, all } = owners
  const { source: few, all: fewOfAll } = strangers
  for (const text of [
    `At most four run at a time, and ${owners.waiting} wait`,
    `two more run, and ${strangers.waiting} wait`,
    `at most ${source.burst} events at once and ${perMinute(source)} a minute, all together ${all.burst} and ${perMinute(all)};`,
    `${few.burst} and ${perMinute(few)}, and ${fewOfAll.burst} and ${perMinute(fewOfAll)}.`,
    `killed after ${NOTIFICATION_MAX_MS / 1_000} seconds`,
    `waited for it for ${NOTIFICATIONS_END_MS / 1_000} seconds`,
  ])
    expect(manual).toContain(text)
  expect([owners.running, strangers.running]).toEqual([4, 2])
})

test('a command gets the event in its environment and as a line of the JSON log', async () => {
  const { log, ran } = bench(['open: tell'])
  log.event(open())
  log.event(opened)
  expect(ran).toEqual([])
  await turn()
  expect(ran).toHaveLength(1)
  const { text, environment, input, urgent, as } = ran[0]!
  expect({ text, urgent, as }).toEqual({ text: 'tell', urgent: false, as: undefined })
  expect(environment).toMatchObject({
    POSTERN_ACTION: 'event',
    POSTERN_EVENT: 'open',
    POSTERN_DOOR: 'ssh',
    POSTERN_SOURCE: '192.0.2.7',
    POSTERN_USER: 'alice',
    POSTERN_MESSAGE: '192.0.2.7: ssh: OPEN SESAME (alice)',
    POSTERN_DROPPED: '0',
  })
  expect(environment['POSTERN_TIME']).toMatch(/^1970-01-01T|^1969-12-31T/)
  expect(JSON.parse(input!)).toMatchObject({ event: 'open', door: 'ssh', user: 'alice', source: '192.0.2.7' })
})

test('opened and closed are those of ports and of commands, once an opening', async () => {
  const { log, ran } = bench(['opened,closed: tell'])
  log.event(open())
  log.event(opened)
  log.event(open('wake'))
  log.event({ kind: 'closed', source: '192.0.2.7', door: 'ssh', what: 'tcp/22' })
  log.event({ kind: 'command-timeout', source: '192.0.2.7', door: 'ssh' })
  log.event({ kind: 'command-timeout', source: '192.0.2.7', door: 'wake' })
  log.event({ kind: 'by-hand', action: 'opened', source: '192.0.2.7', door: 'ssh' })
  log.event({ kind: 'by-hand', action: 'opened', source: '192.0.2.7', door: 'wake' })
  await turn()
  const got = ran.map(({ environment: { POSTERN_EVENT, POSTERN_DOOR } }) => `${POSTERN_EVENT} ${POSTERN_DOOR}`)
  expect(got).toEqual(['opened ssh', 'open wake', 'closed ssh', 'command-timeout wake', 'by-hand wake'])
})

test('hostile names are on one line, without control characters', async () => {
  const { log, ran } = bench(['opened,rejected: tell'])
  const hostile = `$(reboot)\n'"\0\u001b[2J\u2028`
  log.event({
    kind: 'rejected',
    packet: 'a packet',
    source: '192.0.2.7',
    to: 'udp/1',
    door: hostile,
    reason: hostile,
    user: hostile,
  })
  await turn()
  for (const value of Object.values(ran[0]!.environment)) expect(value).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u)
  expect(ran[0]!.text).toBe('tell')
  expect(ran[0]!.input!.indexOf('\n')).toBe(ran[0]!.input!.length - 1)
  expect((JSON.parse(ran[0]!.input!) as { user: string }).user).toBe(hostile)
})

test('commands that hang are few, what waits is bounded, the rest is counted and told, and time ends them', async () => {
  const { clock, counts, log, ran, said } = bench(['open: hang'], 'hangs')
  const sum = 400
  for (let number = 0; number < sum; number++) {
    clock.now += 1_000
    log.event(open('ssh', address(number)))
  }
  await turn()
  expect(counts).toEqual({ running: owners.running, most: owners.running })
  expect(said()).toEqual(['On_Event: 1 event left out: too many'])
  for (let round = 0; round < 200 && ran.length < owners.waiting; round++) {
    await vi.advanceTimersByTimeAsync(NOTIFICATION_MAX_MS)
    await turn()
  }
  expect(counts.most).toBe(owners.running)
  // The first task begins before all events are there: at most that many more were taken.
  expect(ran.length).toBeGreaterThanOrEqual(owners.waiting)
  const told = ran.reduce((all, { environment }) => all + Number(environment['POSTERN_DROPPED']), 0)
  expect(told + ran.length).toBe(sum)
  expect(said()).toContain('On_Event: command for open was ended: it took longer than 30 s')
  const leftOut = said().flatMap((line) => /(\d+) events? left out/.exec(line)?.[1] ?? [])
  expect(leftOut.reduce((all, count) => all + Number(count), 0)).toBe(told)
})

test('one source has its share, and all together have theirs', async () => {
  const { log, ran } = bench(['open: tell'])
  for (let count = 0; count < 1_000; count++) log.event(open())
  await turn()
  await turn()
  expect(ran.length).toBe(owners.source.burst)
  for (let number = 0; number < 1_000; number++) {
    log.event(open('ssh', address(number)))
    if (number % 20 === 0) await turn()
  }
  await turn()
  expect(ran.length).toBe(owners.all.burst)
})

test('what owners and members cause takes nothing from the events of the daemon itself', async () => {
  const { log, ran } = bench(['by-hand,open,output,trouble: tell'])
  for (let number = 0; number < 1_000; number++) {
    log.event({ kind: 'by-hand', action: 'closed', door: 'ssh', by: 'mallory' })
    log.event({ kind: 'output', door: 'wake', output: 'text' })
    log.event(open('ssh', address(number)))
  }
  await turn()
  log.event({ kind: 'trouble', level: 'error', door: 'ssh', what: 'no firewall' })
  for (let round = 0; round < 40; round++) await turn()
  expect(ran.at(-1)?.environment).toMatchObject({ POSTERN_EVENT: 'trouble' })
  expect(ran).toHaveLength(owners.all.burst + 1)
  for (let count = 0; count < 1_000; count++)
    log.event({ kind: 'trouble', level: 'error', door: 'ssh', what: 'no firewall' })
  for (let round = 0; round < 40; round++) await turn()
  expect(ran).toHaveLength(owners.all.burst + owners.source.burst)
})

test('a reload keeps the count of what was left out, and the user of what waits', async () => {
  const { log, ran, replace } = bench(['open: tell'])
  for (let count = 0; count <= owners.source.burst; count++) log.event(open())
  replace(['scan: other', 'open: tell'], 'Hooks_As_Root = yes\n', '1:1')
  await turn()
  replace(['open: tell'], '', '1:1')
  log.event(open('ssh', address(1)))
  replace(['open: tell'], 'Hooks_As_Root = yes\n', '1:1')
  for (let round = 0; round < 10; round++) await turn()
  expect(ran.reduce((all, { environment }) => all + Number(environment['POSTERN_DROPPED']), 0)).toBe(1)
  expect(ran.at(-1)?.as).toBe('1:1')
})

test('a flood of strangers takes nothing from owners, and does not fill their places', async () => {
  const { clock, counts, log, ran } = bench(['scan,open,refused: tell'], 'hangs')
  for (let number = 0; number < 5_000; number++) {
    clock.now += 20
    log.event({ kind: 'scan', source: address(number % 60_000), ignoredSeconds: 60 })
    log.event({ kind: 'refused', level: 'info', source: `203.0.113.${number % 256}`, door: 'ssh' })
  }
  await turn()
  expect(counts.running).toBe(strangers.running)
  log.event(open())
  await turn()
  expect(ran.map(({ environment }) => environment['POSTERN_EVENT'])).toContain('open')
  expect(counts.running).toBe(strangers.running + 1)
})

test('a failure is logged once a minute, and neither it nor a dropped event is told', async () => {
  const failed: Outcome = { kind: 'exited', status: 7, output: 'first\nno\u001b such user' }
  const { clock, log, ran, said } = bench(['open,notice,status,output,trouble: tell'], failed)
  for (let number = 0; number < 30; number++) {
    clock.now += 10_000
    log.event(open('ssh', address(number)))
    await turn()
  }
  expect(ran).toHaveLength(30)
  expect(said()).toEqual([String.raw`On_Event: command for open returned status code 7: no\u001b such user`])
  await vi.advanceTimersByTimeAsync(REPORT_MS)
  expect(said()).toHaveLength(2)
  expect(said()[1]).toMatch(/\(29 times\)$/)
  await turn()
  expect(ran).toHaveLength(30)
})

test.each([
  [{ kind: 'failed', error: new Error('spawn EACCES') }, 'could not be run: spawn EACCES'],
  [{ kind: 'killed', signal: 'SIGSEGV', output: 'x' }, 'was ended by SIGSEGV: x'],
  [{ kind: 'refused' }, 'was not run: too many are waiting'],
] as const)('%j', async (outcome, text) => {
  const { log, said } = bench(['open: tell'], outcome)
  log.event(open())
  await turn()
  expect(said()).toEqual([`On_Event: command for open ${text}`])
})

test('a reload changes who is told, and as whom commands run', async () => {
  const { log, ran, replace } = bench(['open: a', 'open,scan: b'])
  log.event(open())
  await turn()
  replace(['open: c'], '', '1:1')
  log.event(open())
  await turn()
  replace(['open: d'], 'Hooks_As_Root = yes\n', '1:1')
  log.event(open())
  await turn()
  replace([])
  log.event(open())
  await turn()
  expect(ran.map(({ text, as }) => [text, as])).toEqual([
    ['a', undefined],
    ['b', undefined],
    ['c', '1:1'],
    ['d', undefined],
  ])
})

test('the end waits a moment for the last event, and kills what hangs', async () => {
  const { log, notifications, ran } = bench(['shutting-down: tell'])
  log.event({ kind: 'shutting-down' })
  await notifications.close()
  expect(ran).toHaveLength(1)
  const { log: other, notifications: hanging, counts, said } = bench(['open: hang'], 'hangs')
  for (let number = 0; number < 10; number++) other.event(open('ssh', address(number)))
  await turn()
  const end = hanging.close()
  await vi.advanceTimersByTimeAsync(NOTIFICATIONS_END_MS)
  await end
  await turn()
  expect(counts.running).toBe(0)
  expect(said()).toEqual(['On_Event: 10 commands ended or not run, as the daemon ends'])
  other.event(open())
  await turn()
  expect(counts.running).toBe(0)
})
