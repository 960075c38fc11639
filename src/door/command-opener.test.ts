// Goal: every opening is closed. The journal has the time of the close before the start command runs. Openings do not
// stack, and any failure leaves the door shut.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import type { LogEvent } from '../log/event.ts'
import { entryOf } from '../log/format.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Moment } from '../state/deadline.ts'
import { deadlineAfter } from '../state/deadline.ts'
import type { Opening } from '../state/opening.ts'
import type { CommandLine, Outcome } from './command.ts'
import { CommandOpener } from './command-opener.ts'
import type { CommandDeps } from './command-opener.ts'
import type { Grant } from './grant.ts'
import { STOP_TRIES_MAX } from './runs.ts'

const [DOOR] = readConfig(
  '[ssh]\nSequence = 7000\nStart_Command = open %IP%\nStop_Command = close %IP%\n' +
    'Start_Command_6 = open6 %IP%\nStop_Command_6 =\n',
  'k',
).config!.doors as [Door]
const GRANT: Grant = grantFor('192.0.2.2')

function grantFor(source: string, more: Partial<Grant> = {}): Grant {
  const door = more.door ?? DOOR
  const common = { door, ms: door.cmdTimeoutMs, holder: 'mark', protocol: TCP, port: 9_000 } as const
  return { ...common, source: parseAddress(source)!, ...more }
}

const nothing = (): void => undefined

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A journal, a shell and clocks that note what they are asked, in one list. */
class Surroundings implements CommandDeps {
  readonly said: string[] = []
  readonly openings = new Map<string, Opening>()
  outcome: (command: CommandLine) => Outcome = () => ({ kind: 'exited', status: 0, output: '' })
  journal: 'works' | 'fails' = 'works'
  /** Milliseconds that each command takes. */
  takesMs = 0

  readonly clocks = {
    now: (): Moment => ({ wall: Date.now(), boot: 'this', bootNow: Date.now() - 1_600_000_000_000 }),
  }
  readonly store = {
    openings: this.openings,
    opened: async (opening: Opening): Promise<void> => {
      if (this.journal === 'fails') throw new Error('no space left')
      this.said.push('journal opened')
      this.openings.set(opening.id, opening)
    },
    extended: async (): Promise<void> => {
      this.said.push('journal extended')
    },
    closed: async (id: string): Promise<boolean> => {
      this.said.push('journal closed')
      return this.openings.delete(id)
    },
  }
  readonly runner = {
    run: async (command: CommandLine): Promise<Outcome> => {
      this.said.push(command.text)
      if (this.takesMs > 0) await vi.advanceTimersByTimeAsync(this.takesMs)
      return this.outcome(command)
    },
  }
  readonly log = {
    event: (event: LogEvent): void => {
      if (event.kind === 'command-timeout') this.said.push('timeout')
      else if (event.kind === 'status') this.said.push(`status ${event.status}`)
      else if (event.kind !== 'command') this.said.push(entryOf(event, 0).level)
    },
    output: (): void => undefined,
    notice: (level: string): void => void this.said.push(level),
  }
}

test('the journal has the close before the start command runs', async () => {
  const around = new Surroundings()
  await new CommandOpener(around).open(GRANT, nothing)
  expect(around.said).toEqual(['journal opened', 'open 192.0.2.2'])
  expect([...around.openings.values()]).toMatchObject([{ door: 'ssh', source: '192.0.2.2', stop: 'close 192.0.2.2' }])
  await vi.advanceTimersByTimeAsync(9_999)
  expect(around.said).toHaveLength(2)
  await vi.advanceTimersByTimeAsync(1)
  expect(around.said.slice(2)).toEqual(['timeout', 'close 192.0.2.2', 'journal closed'])
})

test('a door whose opening cannot be written down stays shut', async () => {
  const around = new Surroundings()
  around.journal = 'fails'
  const opened: string[] = []
  expect(await new CommandOpener(around).open(GRANT, () => void opened.push('opened'))).toBe(false)
  expect([around.said, opened]).toEqual([['error'], []])
})

test('a repeated knock extends the opening, and runs nothing', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  await openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(6_000)
  await openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(9_999)
  expect(around.said).toEqual(['journal opened', 'open 192.0.2.2', 'journal extended', 'info'])
  await vi.advanceTimersByTimeAsync(1)
  expect(around.said.slice(4)).toEqual(['timeout', 'close 192.0.2.2', 'journal closed'])
})

test('two knocks at the same moment open once', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  await Promise.all([openings.open(GRANT, nothing), openings.open(GRANT, nothing)])
  expect(around.said.filter((said) => said.startsWith('open '))).toHaveLength(1)
})

test('a stop command that ends with a status is done; one that is killed is tried again', async () => {
  const around = new Surroundings()
  around.outcome = ({ text }) =>
    text.startsWith('close') ? { kind: 'exited', status: 1, output: '' } : { kind: 'exited', status: 0, output: '' }
  await new CommandOpener(around).open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(around.said.slice(2)).toEqual(['timeout', 'close 192.0.2.2', 'status 1', 'journal closed'])

  const killed = new Surroundings()
  let tries = 0
  killed.outcome = ({ text }) =>
    text.startsWith('close') && ++tries < 3
      ? { kind: 'killed', signal: 'SIGKILL', output: '' }
      : { kind: 'exited', status: 0, output: '' }
  await new CommandOpener(killed).open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(tries).toBe(3)
  expect(killed.said.at(-1)).toBe('journal closed')
})

test('one that never gets to run stays in the journal, for the next start', async () => {
  const around = new Surroundings()
  around.outcome = ({ text }) =>
    text.startsWith('close')
      ? { kind: 'failed', error: new Error('no memory') }
      : { kind: 'exited', status: 0, output: '' }
  await new CommandOpener(around).open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(120_000)
  expect(around.said.filter((said) => said.startsWith('close'))).toHaveLength(STOP_TRIES_MAX)
  expect(around.openings.size).toBe(1)
})

test('after a restart what is overdue is closed at once, the rest on time, whatever the config says now', async () => {
  const around = new Surroundings()
  const left = (id: string, ms: number): Opening => ({
    ...deadlineAfter(around.clocks.now(), ms),
    since: Date.now() - 60_000,
    id,
    door: `was ${id}`,
    source: '192.0.2.9',
    family: 4,
    openedAt: Date.now() - 60_000,
    stop: `close ${id}`,
    environment: {},
  })
  around.openings.set('a', left('a', 0))
  around.openings.set('b', left('b', 5_000))
  new CommandOpener(around).restore()
  await vi.advanceTimersByTimeAsync(1)
  expect(around.said).toEqual(['timeout', 'close a', 'journal closed'])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(around.said.slice(3)).toEqual(['timeout', 'close b', 'journal closed'])
})

test('at the end everything is closed, and nothing opens any more', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  await openings.open(GRANT, nothing)
  await openings.open(grantFor('192.0.2.3'), nothing)
  expect(await openings.closeAll(5_000)).toBe(0)
  await openings.open(GRANT, nothing)
  expect(around.said.filter((said) => said.startsWith('open'))).toHaveLength(2)
  expect(around.said.filter((said) => said.startsWith('close'))).toEqual(['close 192.0.2.2', 'close 192.0.2.3'])
  expect(around.openings.size).toBe(0)
})

test('IPv6 has its own commands; without a stop command nothing is written down', async () => {
  const around = new Surroundings()
  await new CommandOpener(around).open(grantFor('2001:db8::2'), nothing)
  expect(around.said).toEqual(['open6 2001:db8::2'])
})

test('a cool-down lets a door without stop command run once for a source in that time', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  const door = { ...DOOR, commands4: { start: 'wake %IP%', stop: undefined }, cooldownMs: 5_000 }
  for (const waitMs of [0, 4_000, 2_000]) {
    await vi.advanceTimersByTimeAsync(waitMs)
    await openings.open(grantFor('192.0.2.2', { door }), nothing)
  }
  await openings.open(grantFor('192.0.2.3', { door }), nothing)
  expect(around.said).toEqual(['wake 192.0.2.2', 'debug', 'wake 192.0.2.2', 'wake 192.0.2.3'])
})

test('a plain rule that is in place already is not added again', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  const door = { ...DOOR, commands4: { start: 'iptables -A INPUT -s %IP% -j ACCEPT', stop: undefined } }
  await openings.open(grantFor('192.0.2.2', { door }), nothing)
  await openings.open(grantFor('192.0.2.2', { door }), nothing)
  around.outcome = () => ({ kind: 'exited', status: 1, output: '' })
  await openings.open(grantFor('192.0.2.2', { door }), nothing)
  const add = 'iptables -A INPUT -s 192.0.2.2 -j ACCEPT'
  const look = 'iptables -C INPUT -s 192.0.2.2 -j ACCEPT'
  expect(around.said).toEqual([add, look, 'info', look, add, 'status 1'])
})

test('what one of several holders opened by a command is closed with the last of them, once', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  await openings.open(grantFor('192.0.2.2', { user: 'alice', holder: 'mark of alice' }), nothing)
  await openings.open(grantFor('192.0.2.2', { ms: 5_000, user: 'bob', holder: 'mark of bob' }), nothing)
  // The shorter time of one is not the other's.
  expect(openings.list()).toMatchObject([{ user: 'bob', leftMs: 10_000 }])
  void openings.release(({ user }) => user !== 'alice')
  expect(openings.list()).toMatchObject([{ user: 'bob', leftMs: 5_000 }])
  void openings.release(({ user }) => user !== 'bob')
  await vi.advanceTimersByTimeAsync(0)
  expect(openings.list()).toEqual([])
  expect(around.said.filter((each) => each.startsWith('close'))).toHaveLength(1)
  void openings.release(() => false)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(around.said.filter((each) => each.startsWith('close'))).toHaveLength(1)
})

test('a shorter opening of the same holder shortens nothing', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  await openings.open(grantFor('192.0.2.2', { ms: 60_000 }), nothing)
  await openings.open(grantFor('192.0.2.2', { ms: 5_000 }), nothing)
  expect(openings.list()).toMatchObject([{ leftMs: 60_000 }])
  await vi.advanceTimersByTimeAsync(59_999)
  expect(around.said).not.toContain('timeout')
})
