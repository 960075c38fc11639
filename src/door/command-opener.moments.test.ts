// Goal: knocks, failures, crashes and ends at an unlucky moment leave nothing open, add no rule twice, and lock nobody
// out.
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import type { Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import type { LogEvent } from '../log/event.ts'
import { entryOf } from '../log/format.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Moment } from '../state/deadline.ts'
import { deadlineAfter } from '../state/deadline.ts'
import type { Deadline, Opening } from '../state/opening.ts'
import { StoreError } from '../state/store.ts'
import type { CommandLine, Outcome } from './command.ts'
import { CommandOpener, START_OVERLAP_MAX_MS } from './command-opener.ts'
import type { CommandDeps } from './command-opener.ts'
import type { Grant } from './grant.ts'

const SSH = '[ssh]\nSequence = 7000\nStart_Command = open %IP%\nStop_Command = close %IP%\n'
const DOOR = readConfig(SSH, 'k').config!.doors[0]!
const OPEN = 'open 192.0.2.2'
const CLOSE = 'close 192.0.2.2'
const WELL: Outcome = { kind: 'exited', status: 0, output: '' }
const GRANT = grantFor('192.0.2.2')

beforeEach(() => {
  vi.useFakeTimers({ now: 1_700_000_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

function grantFor(source: string, door = DOOR): Grant {
  const common = { ms: door.cmdTimeoutMs, holder: 'mark', protocol: TCP, port: 9_000 } as const
  return { ...common, door, source: parseAddress(source)! }
}

const nothing = (): void => undefined

function once(name: string, start: string): Door {
  return { ...DOOR, name, commands4: { start, stop: undefined } }
}

async function pause(ms: number): Promise<void> {
  if (ms === 0) return
  await new Promise<void>((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** A journal, a shell and a log that take as long as they are told to, and note what ran. */
class Surroundings implements CommandDeps {
  readonly ran: string[] = []
  readonly notices: string[] = []
  readonly openings: Map<string, Opening>
  openedMs = 0
  closedMs = 0
  extendedMs = 0
  run: (command: CommandLine) => Promise<Outcome> = async () => WELL
  refusal: Error | undefined
  /** After a crash nothing answers any more, and nothing that is asked takes place. */
  crashed = false

  constructor(openings = new Map<string, Opening>()) {
    this.openings = openings
  }

  readonly clocks = {
    now: (): Moment => ({ wall: Date.now(), boot: 'this', bootNow: Date.now() - 1_600_000_000_000 }),
  }
  readonly runner = {
    run: async (command: CommandLine): Promise<Outcome> => {
      await this.#alive()
      this.ran.push(command.text)
      const outcome = await this.run(command)
      await this.#alive()
      return outcome
    },
  }
  readonly log = {
    event: (event: LogEvent): void => {
      if (!['command', 'command-timeout', 'status'].includes(event.kind)) this.notices.push(entryOf(event, 0).level)
    },
    output: (): void => undefined,
    notice: (level: string): void => void this.notices.push(level),
  }
  get store(): CommandDeps['store'] {
    const { openings } = this
    return {
      openings,
      opened: async (opening) => {
        if (this.refusal !== undefined) throw this.refusal
        await this.#alive()
        openings.set(opening.id, opening)
        // On disk already, but not said to be: a crash may come in between.
        await pause(this.openedMs)
        await this.#alive()
      },
      extended: async (id: string, deadline: Deadline) => {
        await pause(this.extendedMs)
        await this.#alive()
        const opening = openings.get(id)
        if (opening === undefined) throw new StoreError('not there')
        openings.set(id, { ...opening, ...deadline })
      },
      closed: async (id) => {
        await pause(this.closedMs)
        await this.#alive()
        return openings.delete(id)
      },
    }
  }

  async #alive(): Promise<void> {
    if (this.crashed) await new Promise<never>(() => undefined)
  }
}

test.each([
  ['comes too late', 0],
  ['is written down while the stop command runs', 500],
])('a knock whose extension %s opens anew', async (_, stopMs) => {
  const around = new Surroundings()
  around.extendedMs = 200
  around.run = async ({ text }) => {
    await pause(text === CLOSE ? stopMs : 0)
    return WELL
  }
  const openings = new CommandOpener(around)
  await openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(9_900)
  void openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(around.ran).toEqual([OPEN, CLOSE, OPEN])
})

test('an opening that the end overtakes runs nothing, and is off the journal', async () => {
  const around = new Surroundings()
  around.openedMs = 100
  const openings = new CommandOpener(around)
  void openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(50)
  const left = openings.closeAll()
  await vi.advanceTimersByTimeAsync(500)
  expect(await left).toBe(0)
  expect(around.ran).toEqual([])
  expect(around.openings.size).toBe(0)
})

test('what fails unforeseen fails once: the next knock opens', async () => {
  const around = new Surroundings()
  around.run = async () => {
    around.run = async () => WELL
    throw new Error('unforeseen')
  }
  const openings = new CommandOpener(around)
  await openings.open(grantFor('192.0.2.2', once('wake', 'wake')), nothing)
  await openings.open(grantFor('192.0.2.2', once('wake', 'wake')), nothing)
  expect(around.ran).toEqual(['wake', 'wake'])
  expect(around.notices).toEqual(['error'])
})

test.each<Outcome>([
  { kind: 'exited', status: 4, output: '' },
  { kind: 'killed', signal: 'SIGKILL', output: '' },
  { kind: 'failed', error: new Error('no memory') },
  { kind: 'refused' },
])('after a start command that came to nothing ($kind), a repeated knock closes and opens anew', async (outcome) => {
  const around = new Surroundings()
  around.run = async () => {
    around.run = async () => WELL
    return outcome
  }
  const openings = new CommandOpener(around)
  await openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(1_000)
  await openings.open(GRANT, nothing)
  expect(around.ran).toEqual([OPEN, CLOSE, OPEN])
  await openings.open(GRANT, nothing)
  expect(around.ran).toHaveLength(3)
})

test('after a restart a repeated knock closes and opens anew: nobody knows what is in place', async () => {
  const around = new Surroundings()
  around.openings.set('left', {
    ...deadlineAfter(around.clocks.now(), 60_000),
    id: 'left',
    door: 'ssh',
    source: '192.0.2.2',
    family: 4,
    openedAt: Date.now(),
    stop: CLOSE,
    environment: {},
  })
  const openings = new CommandOpener(around)
  openings.restore()
  expect(openings.list()).toEqual([{ door: 'ssh', source: '192.0.2.2', services: [], leftMs: 60_000 }])
  await openings.open(GRANT, nothing)
  expect(around.ran).toEqual([CLOSE, OPEN])
  expect(around.openings.size).toBe(1)
})

test('a close that failed is tried again at the end, beside the opening that followed it', async () => {
  const around = new Surroundings()
  around.run = async ({ text }) => (text === CLOSE ? { kind: 'killed', signal: 'SIGKILL', output: '' } : WELL)
  const openings = new CommandOpener(around)
  await openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(60_000)
  await openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(openings.list()).toHaveLength(2)
  around.run = async () => WELL
  expect(await openings.closeAll()).toBe(0)
  expect(around.openings.size).toBe(0)
})

test('a start command that outlives its close is closed again when it ends', async () => {
  const around = new Surroundings()
  const ends: (() => void)[] = []
  around.run = async ({ text }) => {
    if (text === OPEN) await new Promise<void>((resolve) => void ends.push(resolve))
    return WELL
  }
  await new CommandOpener(around).open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(10_000 + START_OVERLAP_MAX_MS - 1)
  expect(around.ran).toEqual([OPEN])
  await vi.advanceTimersByTimeAsync(1)
  expect(around.ran).toEqual([OPEN, CLOSE])
  expect(around.openings.size).toBe(1)
  ends[0]!()
  await vi.advanceTimersByTimeAsync(1)
  expect(around.ran).toEqual([OPEN, CLOSE, CLOSE])
  expect(around.openings.size).toBe(0)
})

test('at the end a start command that hangs is closed all the same, and left in the journal', async () => {
  const around = new Surroundings()
  around.run = async ({ text }) => (text === OPEN ? await new Promise<never>(() => undefined) : WELL)
  const openings = new CommandOpener(around)
  await openings.open(GRANT, nothing)
  const left = openings.closeAll(5_000)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await left).toBe(1)
  expect(around.ran).toEqual([OPEN, CLOSE])
  expect(around.openings.size).toBe(1)
})

test('a command that hangs at a door without stop command does not hold up later knocks for good', async () => {
  const around = new Surroundings()
  around.run = async () => await new Promise<never>(() => undefined)
  const openings = new CommandOpener(around)
  void openings.open(grantFor('192.0.2.2', once('wake', 'wake')), nothing)
  void openings.open(grantFor('192.0.2.2', once('wake', 'wake')), nothing)
  await vi.advanceTimersByTimeAsync(START_OVERLAP_MAX_MS)
  expect(around.ran).toEqual(['wake', 'wake'])
})

test('a rule that goes ahead of others is put there again once another door has run for the source', async () => {
  const around = new Surroundings()
  const openings = new CommandOpener(around)
  const accept = once('open', 'iptables -I INPUT -s %IP% -j ACCEPT')
  const drop = once('close', 'iptables -I INPUT -s %IP% -j DROP')
  for (const door of [accept, drop, accept, accept]) await openings.open(grantFor('192.0.2.2', door), nothing)
  const rule = 'INPUT -s 192.0.2.2 -j'
  const ran = [`-I ${rule} ACCEPT`, `-I ${rule} DROP`, `-I ${rule} ACCEPT`, `-C ${rule} ACCEPT`]
  expect(around.ran).toEqual(ran.map((command) => `iptables ${command}`))
})

test('a full journal is warned of once a minute', async () => {
  const around = new Surroundings()
  around.refusal = new StoreError('too many doors are open')
  const openings = new CommandOpener(around)
  await openings.open(GRANT, nothing)
  await openings.open(GRANT, nothing)
  await vi.advanceTimersByTimeAsync(60_000)
  await openings.open(GRANT, nothing)
  expect(around.notices).toEqual(['warning', 'debug', 'warning'])
})

const SOURCES = ['192.0.2.2', '192.0.2.3']
/** Any time, and those at which something is under way: a command, the journal, a deadline. */
const WAIT_MS = fc.oneof(fc.integer({ min: 0, max: 12_000 }), fc.constantFrom(0, 5, 100, 500, 9_850, 9_950, 10_000))
const STEP = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('knock' as const), source: fc.constantFrom(...SOURCES) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: WAIT_MS }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'settle' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'crash' as const }) },
)
const TEMPER = fc.record({
  commandMs: fc.constantFrom(0, 10, 900),
  startFails: fc.boolean(),
  openedMs: fc.constantFrom(0, 200),
  closedMs: fc.constantFrom(0, 200),
  extendedMs: fc.constantFrom(0, 200),
})
/** Longer than stop, journal and start take together, shorter than a door stays open. */
const SETTLE_MS = 5_000

test('whatever comes when, starts and stops alternate, a knock opens, and in the end all is closed', async () => {
  const property = fc.asyncProperty(
    fc.array(STEP, { maxLength: 25, size: 'max' }),
    fc.array(TEMPER, { minLength: 1, maxLength: 8 }),
    async (steps, tempers) => {
      const journal = new Map<string, Opening>()
      const ran: string[] = []
      let commands = 0
      const begin = (): { around: Surroundings; openings: CommandOpener } => {
        const around = new Surroundings(journal)
        const temper = tempers[commands % tempers.length]!
        around.openedMs = temper.openedMs
        around.closedMs = temper.closedMs
        around.extendedMs = temper.extendedMs
        around.run = async ({ text }) => {
          ran.push(text)
          const { commandMs, startFails } = tempers[commands++ % tempers.length]!
          await pause(commandMs)
          return startFails && text.startsWith('open') ? { kind: 'exited', status: 1, output: '' } : WELL
        }
        const openings = new CommandOpener(around)
        openings.restore()
        return { around, openings }
      }
      const ofSource = (source: string): string[] => ran.filter((text) => text.endsWith(source))
      let daemon = begin()
      const knocked = new Map<string, number>()
      for (const step of steps) {
        if (step.kind === 'knock') {
          void daemon.openings.open(grantFor(step.source), nothing)
          knocked.set(step.source, Date.now())
        } else if (step.kind === 'wait') await vi.advanceTimersByTimeAsync(step.ms)
        else if (step.kind === 'crash') {
          daemon.around.crashed = true
          knocked.clear()
          daemon = begin()
        } else {
          const before = Date.now()
          await vi.advanceTimersByTimeAsync(SETTLE_MS)
          for (const [source, at] of knocked) {
            if (at === before) expect(ofSource(source).at(-1)).toBe(`open ${source}`)
          }
        }
      }
      await vi.advanceTimersByTimeAsync(120_000)
      expect(journal.size).toBe(0)
      expect(daemon.openings.list()).toEqual([])
      for (const source of SOURCES) {
        const order = ofSource(source)
        for (const [index, text] of order.entries()) {
          if (text.startsWith('open')) expect(order[index + 1]).toBe(`close ${source}`)
        }
      }
    },
  )
  await fc.assert(property, { numRuns: SLOW ? 30_000 : 250 })
})
