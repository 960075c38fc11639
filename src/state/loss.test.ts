// Goal: whatever happens to a journal, the store knows every used packet and sequence, or knows that it may have
// forgotten some. What a crash leaves is not a loss.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeLine } from './line.ts'
import { MemoryDisk } from './disk-fake.ts'
import { openStoreOn } from './store.ts'
import type { Store } from './store.ts'

const PATH = '/state/journal'
const MARK = `${PATH}.mark`
const USED = 12
const NOW = 1_700_000_000_000

const open = async (disk: MemoryDisk, compact?: number): Promise<Store> =>
  (await openStoreOn(disk, PATH, undefined, compact, () => NOW)).store

/** A disk whose journal has many used packets and sequences, each durable before the next. */
const used = async (compact?: number): Promise<MemoryDisk> => {
  const disk = new MemoryDisk()
  const store = await open(disk, compact)
  for (let number = 0; number < USED; number++) {
    await store.advance(`packet ${number}`, 'used', (present) => present === undefined)
    await store.used('door', `sequence ${number}`)
  }
  await store.close()
  return disk
}

/** A copy of the disk with another journal; `undefined`: without one. */
const withJournal = (disk: MemoryDisk, journal: Uint8Array | undefined): MemoryDisk => {
  const after = new MemoryDisk()
  for (const path of disk.list()) if (path !== PATH) after.place(path, disk.peek(path)!)
  if (journal !== undefined) after.place(PATH, journal)
  return after
}

const knowsAll = (store: Store): boolean =>
  Array.from({ length: USED }, (_, number) => number).every(
    (number) => store.newest(`packet ${number}`) === 'used' && store.wasUsed('door', `sequence ${number}`),
  )

/** Opens the store, and expects that it reports whatever it has forgotten, at the next start too. */
const expectHonest = async (disk: MemoryDisk, what: string): Promise<void> => {
  const store = await open(disk)
  if (!knowsAll(store)) expect(store.loss, what).toEqual({ kind: 'lost', at: NOW })
  const { loss } = store
  await store.close()
  expect((await open(disk)).loss, what).toEqual(loss)
}

describe('a journal that', () => {
  test('is new is reported as new, at each start', async () => {
    const disk = new MemoryDisk()
    expect((await open(disk)).loss).toEqual({ kind: 'first', at: NOW })
    expect((await open(disk)).loss).toEqual({ kind: 'first', at: NOW })
  })

  test('is cut at any byte is honest about it', async () => {
    const disk = await used()
    const whole = disk.peek(PATH)!
    for (let length = 0; length < whole.length; length++) {
      await expectHonest(withJournal(disk, whole.slice(0, length)), `cut at ${length}`)
    }
    expect((await open(withJournal(disk, whole))).loss).toEqual({ kind: 'first', at: NOW })
  })

  test('has any byte changed is honest about it', async () => {
    const disk = await used()
    const whole = disk.peek(PATH)!
    for (let at = 0; at < whole.length; at++) {
      const changed = whole.slice()
      changed[at]! ^= 0x41
      await expectHonest(withJournal(disk, changed), `byte ${at}`)
    }
  })

  test('lacks any of its lines is honest about it', async () => {
    const disk = await used()
    const lines = Buffer.from(disk.peek(PATH)!).toString().split('\n').slice(0, -1)
    for (let from = 0; from < lines.length; from++) {
      for (let count = 1; from + count <= lines.length; count++) {
        const left = lines.toSpliced(from, count).map((line) => `${line}\n`)
        await expectHonest(withJournal(disk, Buffer.from(left.join(''))), `${count} lines from ${from}`)
      }
    }
  })

  test('is garbled in any way is honest about it', async () => {
    const disk = await used()
    const whole = disk.peek(PATH)!
    const damage = fc.record({ at: fc.nat(whole.length - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 3 }), async (all) => {
        const changed = new Uint8Array(whole)
        for (const { at, bytes } of all) changed.set(bytes.subarray(0, whole.length - at), at)
        await expectHonest(withJournal(disk, changed), 'garbled')
      }),
      { numRuns: 300 },
    )
  })

  test('was deleted is reported as lost', async () => {
    const disk = await used()
    const store = await open(withJournal(disk, undefined))
    expect(store.loss).toEqual({ kind: 'lost', at: NOW })
  })

  test('was deleted together with its mark is reported as lost, if the lock file was used before', async () => {
    const lock = { usedBefore: true, release: () => undefined }
    const { store, faults } = await openStoreOn(new MemoryDisk(), PATH, lock, undefined, () => NOW)
    expect(store.loss).toEqual({ kind: 'lost', at: NOW })
    expect(faults).toMatchObject([{ kind: 'damaged' }])
  })

  test('was replaced by an older copy is honest about it', async () => {
    for (const compact of [undefined, 300]) {
      const disk = new MemoryDisk()
      const store = await open(disk, compact)
      const older: Uint8Array[] = []
      for (let number = 0; number < USED; number++) {
        older.push(disk.peek(PATH)!)
        await store.advance(`packet ${number}`, 'used', () => true)
        await store.used('door', `sequence ${number}`)
      }
      await store.close()
      for (const [number, journal] of older.entries()) {
        await expectHonest(withJournal(disk, journal), `from before packet ${number}`)
      }
    }
  })

  test('was only closed, or killed at any moment, has no loss', async () => {
    const disk = new MemoryDisk()
    const store = await open(disk, 300)
    for (let number = 0; number < USED; number++) {
      await store.advance(`packet ${number}`, 'used', () => true)
      // After a kill, the written bytes are there.
      const after = new MemoryDisk()
      for (const path of disk.list()) after.place(path, disk.peek(path)!)
      expect((await open(after)).loss).toEqual({ kind: 'first', at: NOW })
    }
  })

  test('was written by an earlier version has no loss, and gets a mark', async () => {
    const disk = await used()
    const text = Buffer.from(disk.peek(PATH)!).toString()
    const old = new MemoryDisk()
    old.place(
      PATH,
      Buffer.from(
        text
          .split('\n')
          .map((line) => withoutId(line))
          .join('\n'),
      ),
    )
    const store = await open(old)
    expect(knowsAll(store)).toBe(true)
    expect(store.loss?.kind).toBe('first')
    expect(old.list()).toContain(MARK)
    await store.close()
    await expectHonest(withJournal(old, undefined), 'deleted after that')
  })
})

test('an operator can accept a loss, for one door and until the next loss', async () => {
  const disk = withJournal(await used(), undefined)
  const store = await open(disk)
  expect(store.acceptsLoss('ssh')).toBe(false)
  await store.acceptLoss('ssh')
  expect([store.acceptsLoss('ssh'), store.acceptsLoss('web')]).toEqual([true, false])
  await store.close()
  const again = await open(disk)
  expect(again.acceptsLoss('ssh')).toBe(true)
  await again.close()
  const bytes = disk.peek(PATH)!.slice()
  bytes[bytes.length - 4]! ^= 1
  const later = (await openStoreOn(withJournal(disk, bytes), PATH, undefined, undefined, () => NOW + 1)).store
  expect(later.loss).toEqual({ kind: 'lost', at: NOW + 1 })
  expect(later.acceptsLoss('ssh')).toBe(false)
})

/** A journal's first line from before it had an id. */
function withoutId(line: string): string {
  const [, body] = /^[0-9a-f]{8} (0 [0-9]+ \{"format".*)$/.exec(line) ?? []
  if (body === undefined) return line
  const [, number, durable] = /^([0-9]+) ([0-9]+) /.exec(body)!
  const json = JSON.stringify({ format: 'postern journal', version: 1 })
  return encodeLine(Number(number), Number(durable), json).toString().trimEnd()
}
