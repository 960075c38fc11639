// Goal: the store knows what is open, lets nothing be used twice, and says no rather than forget.
import { beforeEach, describe, expect, test } from 'vitest'
import { JournalError } from './fault.ts'
import { Journal } from './journal.ts'
import { MemoryDisk, systemError } from './disk-fake.ts'
import type { Opening } from './opening.ts'
import { Store, StoreError, openStoreOn } from './store.ts'
import { OPENINGS_MAX, Tables, USED_MAX } from './tables.ts'

const PATH = '/state/journal'
const opening: Opening = {
  id: '1',
  door: 'ssh',
  source: '192.0.2.7',
  family: 4,
  openedAt: 1_000,
  since: 1_000,
  until: 11_000,
  boot: 'b',
  bootUntil: 500,
  stop: '/sbin/iptables -D INPUT -s 192.0.2.7 -j ACCEPT',
  environment: { POSTERN_DOOR: 'ssh' },
}

let disk: MemoryDisk
let store: Store
beforeEach(async () => {
  disk = new MemoryDisk()
  store = (await openStoreOn(disk, PATH)).store
})

async function reopen(): Promise<Store> {
  await store.close()
  const { store: next, faults } = await openStoreOn(disk, PATH)
  expect(faults).toEqual([])
  return next
}

describe('openings', () => {
  test('one is there until it is closed, across reopenings', async () => {
    await store.opened(opening)
    expect(store.openings.get('1')).toEqual(opening)
    store = await reopen()
    expect(store.openings.get('1')).toEqual(opening)
    const deadline = { since: 5_000, until: 15_000, boot: undefined, bootUntil: undefined }
    await store.extended('1', deadline)
    store = await reopen()
    expect(store.openings.get('1')).toEqual({ ...opening, ...deadline })
    await store.closed('1')
    store = await reopen()
    expect(store.openings.size).toBe(0)
  })

  test('what the caller does to its value later changes nothing', async () => {
    const environment: Record<string, string> = { A: '1' }
    const done = store.opened({ ...opening, environment })
    environment.A = '2'
    await done
    environment.A = '3'
    expect(store.openings.get('1')!.environment).toEqual({ A: '1' })
  })

  test('an id is taken from the call on', async () => {
    const first = store.opened(opening)
    await expect(store.opened(opening)).rejects.toThrow(StoreError)
    await first
    await expect(store.opened(opening)).rejects.toThrow(StoreError)
    await store.closed('1')
    await store.opened(opening)
  })

  test.each([
    { until: Infinity },
    { openedAt: Number.NaN },
    { id: '' },
    { id: 'x'.repeat(65) },
    { family: 5 },
    { environment: { A: 1 } },
  ])('one that could not be read again is refused: %o', async (fault) => {
    await expect(store.opened({ ...opening, ...fault } as Opening)).rejects.toThrow(StoreError)
  })

  test('one that is not there cannot be extended; closing it is no fault', async () => {
    await store.closed('1')
    await expect(store.extended('1', opening)).rejects.toThrow(StoreError)
    await store.opened(opening)
    const closed = store.closed('1')
    await expect(store.extended('1', opening)).rejects.toThrow(StoreError)
    await closed
  })

  test('there is a bound', async () => {
    const tables = new Tables()
    for (let id = 0; id < OPENINGS_MAX - 1; id++) tables.openings.set(`${id}`, opening)
    const full = new Store((await Journal.open(new MemoryDisk(), PATH, tables)).journal, tables)
    const last = full.opened({ ...opening, id: 'last' })
    await expect(full.opened({ ...opening, id: 'one more' })).rejects.toThrow('too many doors are open')
    await last
    await full.closed('5')
    await full.opened({ ...opening, id: 'one more' })
  })

  test('one that could not be written is not there', async () => {
    disk.fail = () => systemError('ENOSPC')
    await expect(store.opened(opening)).rejects.toThrow(JournalError)
    expect(store.openings.size).toBe(0)
    expect(store.failure).toMatchObject({ code: 'ENOSPC' })
    disk.fail = () => undefined
    await store.opened(opening)
    expect(store.openings.size).toBe(1)
  })
})

describe('used one-time sequences', () => {
  test('of two callers one gets it, and nobody later', async () => {
    expect(await Promise.all([store.used('a', 'm'), store.used('a', 'm'), store.used('b', 'm')])).toEqual([
      true,
      false,
      true,
    ])
    store = await reopen()
    expect(await store.used('a', 'm')).toBe(false)
    expect(store.wasUsed('b', 'm')).toBe(true)
    expect(store.wasUsed('c', 'm')).toBe(false)
  })

  test('a claim that could not be written is given up', async () => {
    disk.fail = () => systemError('ENOSPC')
    const claim = store.used('a', 'm')
    expect(store.wasUsed('a', 'm')).toBe(true)
    await expect(claim).rejects.toThrow(JournalError)
    expect(store.wasUsed('a', 'm')).toBe(false)
    disk.fail = () => undefined
    expect(await store.used('a', 'm')).toBe(true)
  })

  test('the oldest give way, in the file as in memory', () => {
    const tables = new Tables()
    for (let mark = 0; mark <= USED_MAX; mark++) tables.apply({ kind: 'used', door: 'a', mark: `${mark}` })
    expect(tables.used.size).toBe(USED_MAX)
    expect(tables.used.has(Tables.usedKey('a', '0'))).toBe(false)
    expect(tables.used.has(Tables.usedKey('a', '1'))).toBe(true)
  })
})

const above = (value: number) => (present: string | undefined) => Number(present ?? -1) < value

describe('newest values', () => {
  test('a value is accepted once, also by callers at the same time', async () => {
    expect(await Promise.all([store.advance('k', '5', above(5)), store.advance('k', '5', above(5))])).toEqual([
      true,
      false,
    ])
    expect(await store.advance('k', '4', above(4))).toBe(false)
    expect(await Promise.all([store.advance('k', '6', above(6)), store.advance('k', '7', above(7))])).toEqual([
      true,
      true,
    ])
    store = await reopen()
    expect(store.newest('k')).toBe('7')
    await store.forget('k')
    store = await reopen()
    expect(store.newest('k')).toBeUndefined()
  })

  test('one that waits for the next sync is the newest all the same', async () => {
    let second: Promise<boolean> | undefined
    disk.fail = (step) => {
      if (step === 'sync') second ??= store.advance('k', '7', above(7))
      return undefined
    }
    expect(await store.advance('k', '6', above(6))).toBe(true)
    expect(await Promise.all([store.advance('k', '7', above(7)), second])).toEqual([false, true])
  })

  test('one that could not be written is not accepted again before the next start', async () => {
    disk.fail = () => systemError('EIO')
    await expect(store.advance('k', '5', above(5))).rejects.toThrow(JournalError)
    disk.fail = () => undefined
    expect(await store.advance('k', '5', above(5))).toBe(false)
    expect(await store.advance('k', '6', above(6))).toBe(true)
  })
})
