// Goal: who holds an opening is known through extensions, restarts and rewritten journals, and records of earlier versions
// are read as what they said.
import { expect, test } from 'vitest'
import { HOLDS_MAX, holdsOf, lastDeadline, lastUser, liveHolds, withHold } from './holds.ts'
import { MemoryDisk } from './disk-fake.ts'
import type { Deadline, Hold, Opening } from './opening.ts'
import { openStoreOn } from './store.ts'
import type { Store } from './store.ts'
import { Tables } from './tables.ts'

const until = (end: number): Deadline => ({ since: 0, until: end, boot: undefined, bootUntil: undefined })
const now = (wall: number): { wall: number; boot: undefined; bootNow: undefined } => ({
  wall,
  boot: undefined,
  bootNow: undefined,
})
const hold = (holder: string | undefined, end: number, user?: string): Hold => ({ ...until(end), holder, user })
const opening = (of: Partial<Opening> = {}): Opening => ({
  ...until(100),
  id: '1',
  door: 'ssh',
  source: '192.0.2.7',
  family: 4,
  openedAt: 0,
  stop: undefined,
  environment: {},
  ...of,
})

const stored = async (change: (store: Store) => Promise<void>): Promise<readonly Hold[]> => {
  const disk = new MemoryDisk()
  const { store } = await openStoreOn(disk, '/state')
  await change(store)
  await store.close()
  const { store: again } = await openStoreOn(disk, '/state')
  const [found] = again.openings.values()
  return holdsOf(found!)
}
const short = (holds: readonly Hold[]): readonly unknown[] => holds.map((each) => [each.holder, each.user, each.until])

test('each holder has a deadline of their own, and the last one is that of the opening', () => {
  const holds = withHold(withHold([hold('a', 50, 'alice')], hold('b', 30, 'bob')), hold('c', 40))
  expect(lastDeadline(holds, now(10)).until).toBe(50)
  expect(lastUser(holds)).toBe('bob')
  expect(short(withHold(holds, hold('a', 20, 'alice')))).toEqual([
    ['b', 'bob', 30],
    ['c', undefined, 40],
    ['a', 'alice', 20],
  ])
  expect(short(liveHolds(holds, now(40)))).toEqual([['a', 'alice', 50]])
})

test('of too many, the one that ends first gives way', () => {
  let holds: readonly Hold[] = [hold('first', 5), hold('long', 1_000)]
  for (let each = 0; each < 2 * HOLDS_MAX; each++) holds = withHold(holds, hold(`h${each}`, 10 + each))
  expect(holds).toHaveLength(HOLDS_MAX)
  expect(holds.map(({ holder }) => holder)).toContain('long')
  expect(holds.map(({ holder }) => holder)).not.toContain('first')
})

test('the journal knows all of them', async () => {
  const holds = await stored(async (store) => {
    await store.opened(opening({ holder: 'a', user: 'alice' }))
    await store.extended('1', hold('b', 30, 'bob'))
    await store.extended('1', hold('a', 200, 'alice'))
  })
  expect(short(holds)).toEqual([
    ['b', 'bob', 30],
    ['a', 'alice', 200],
  ])
})

test('an extension for a connection is for everybody', async () => {
  const holds = await stored(async (store) => {
    await store.opened(opening({ holder: 'a', user: 'alice' }))
    await store.extended('1', hold('b', 30, 'bob'))
    await store.extended('1', hold(undefined, 300))
  })
  expect(short(holds)).toEqual([
    ['a', 'alice', 300],
    ['b', 'bob', 300],
  ])
})

test('records of an earlier version: nobody is known, but the user who came last', () => {
  const tables = new Tables()
  const { holder: _holder, ...old } = opening({ user: 'alice' })
  expect(tables.apply({ kind: 'opened', ...old })).toBe(true)
  expect(tables.apply({ kind: 'extended', id: '1', user: 'bob', ...until(200) })).toBe(true)
  const [found] = tables.openings.values()
  expect(found).toMatchObject({ user: 'bob', until: 200 })
  expect(short(holdsOf(found!))).toEqual([[undefined, 'bob', 200]])
  expect([...tables.snapshot()]).toHaveLength(1)
})

test('holds that are no holds make a record unreadable', () => {
  const tables = new Tables()
  for (const holds of [[], [{}], 'x', [{ ...until(1), holder: 7 }], Array(HOLDS_MAX + 1).fill(until(1))]) {
    expect(tables.apply({ kind: 'opened', ...opening(), holds })).toBe(false)
  }
})
