// Goal: a door that an operator opens by hand is opened like any other, and the reply says how that ended.
import { expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import type { Grant } from '../door/grant.ts'
import { BY_HAND } from '../door/held.ts'
import type { LogEvent } from '../log/event.ts'
import { textOf } from '../log/format.ts'
import { answer } from './control.ts'
import type { Controlled } from './control.ts'

const CONFIG = readConfig(
  '[ssh]\nSequence = 1,2\nOpen_Ports = tcp/22\nOpen_For = 30s\n[wake]\nSequence = 3,4\nStart_Command = wake\n',
  'k',
).config!

/** Asks to open a door by hand. Returns the reply, and what the opener and the log were asked for. */
async function open(door: string, isOpen: boolean, forMs?: number): Promise<readonly unknown[]> {
  const grants: Grant[] = []
  const lines: string[] = []
  const of = {
    config: CONFIG,
    authenticators: { find: (name: string) => CONFIG.doors.find((each) => each.name === name) },
    opener: { open: async (grant: Grant) => (grants.push(grant), isOpen) },
    log: { event: (event: LogEvent) => void lines.push(textOf(event)) },
  } as unknown as Controlled
  const request = { command: 'open', door, source: '192.0.2.7', ...(forMs === undefined ? {} : { forMs }) } as const
  const reply = await answer(request, { isOwner: true, user: 0 }, of)
  return [reply, grants.map(({ door: { name }, ms, holder }) => ({ name, ms, holder })), lines]
}

test.each([
  ['ssh', undefined, 30_000, 'ssh is open to 192.0.2.7 for 30 s'],
  ['ssh', 600_000, 600_000, 'ssh is open to 192.0.2.7 for 600 s'],
  ['wake', undefined, 10_000, 'wake is open to 192.0.2.7, until something else closes it'],
])('%s opens by hand (%s)', async (name, forMs, ms, done) => {
  const log = `192.0.2.7: ${name}: opened by hand`
  expect(await open(name, true, forMs)).toEqual([{ done, count: 1 }, [{ name, ms, holder: BY_HAND }], [log]])
})

test('a door that stays shut is not said to be open', async () => {
  expect((await open('wake', false))[0]).toEqual({ error: 'wake stays shut', hint: 'the log says why' })
})

test('a door that is not there opens nothing', async () => {
  expect(await open('gone', true)).toEqual([{ error: 'there is no door gone', hint: 'doors are: ssh, wake' }, [], []])
})

test('users are read again, and what nobody may hold any more is closed before the reply', async () => {
  const steps: string[] = []
  const openings = [
    { door: 'ssh', source: '192.0.2.7' },
    { door: 'wake', source: '192.0.2.8' },
  ]
  const of = {
    config: CONFIG,
    authenticators: {
      find: (name: string) => CONFIG.doors.find((each) => each.name === name),
      readUsers: (name: string) => {
        steps.push('read')
        return name === 'ssh' ? { file: '/users', users: [{ name: 'alice' }] } : undefined
      },
    },
    reconciler: {
      now: () => void steps.push('judged'),
      closed: async () => {
        await Promise.resolve()
        steps.push('closed')
      },
    },
    opener: { list: () => (steps.push('listed'), openings) },
  } as unknown as Controlled
  const asker = { isOwner: true, user: 0 }
  expect(await answer({ command: 'users', door: 'ssh' }, asker, of)).toEqual({
    users: { file: '/users', users: [{ name: 'alice' }], openings: [openings[0]] },
  })
  expect(steps).toEqual(['read', 'judged', 'closed', 'listed'])
  expect(await answer({ command: 'users', door: 'wake' }, asker, of)).toMatchObject({
    error: 'wake has no users by name',
  })
  expect(await answer({ command: 'users', door: 'gone' }, asker, of)).toMatchObject({ error: 'there is no door gone' })
})
