// Goal: acknowledged records are in the file, in order, whatever the disk does; and the file stays small.
import { describe, expect, test } from 'vitest'
import { JournalError } from './fault.ts'
import { COMPACT_FACTOR, Journal, QUEUE_MAX_BYTES } from './journal.ts'
import type { JournalState } from './journal-state.ts'
import { LINE_MAX_BYTES, encodeLine } from './line.ts'
import { MemoryDisk, systemError } from './disk-fake.ts'
import type { DiskStep } from './disk-fake.ts'

const PATH = '/state/journal'

/** Keeps the last value written under each name, and accepts only such pairs. */
class Names implements JournalState {
  readonly map = new Map<string, unknown>()
  get size(): number {
    return this.map.size
  }
  apply(value: unknown): boolean {
    if (!Array.isArray(value)) return false
    this.map.set(value[0] as string, value[1])
    return true
  }
  snapshot(): Iterable<unknown> {
    return this.map
  }
  lacks(): void {}
}

async function open(disk: MemoryDisk, compactMinBytes?: number) {
  const names = new Names()
  const { journal, faults } = await Journal.open(disk, PATH, names, compactMinBytes)
  return { journal, names, faults }
}

function failOnce(disk: MemoryDisk, step: DiskStep, code: string): void {
  disk.fail = (at) => {
    if (at !== step) return undefined
    disk.fail = () => undefined
    return systemError(code)
  }
}

function text(disk: MemoryDisk): string {
  return Buffer.from(disk.peek(PATH)!).toString()
}

test('records are read back after a reopening', async () => {
  const disk = new MemoryDisk()
  const first = await open(disk)
  await first.journal.append(['a', 1])
  await Promise.all([first.journal.append(['b', 2]), first.journal.append(['a', 3])])
  await first.journal.close()
  const { names, faults } = await open(disk)
  expect(faults).toEqual([])
  expect(Object.fromEntries(names.map)).toEqual({ a: 3, b: 2 })
})

test('waiting records share a sync, and the state changes only with it', async () => {
  const disk = new MemoryDisk()
  const { journal, names } = await open(disk)
  const before = disk.syncs
  const done = Array.from({ length: 100 }, (_, index) => journal.append([`${index}`, index]))
  expect(names.size).toBe(0)
  await Promise.all(done)
  expect(names.size).toBe(100)
  expect(disk.syncs - before).toBe(1)
})

test('work is done once a sync has begun, before its records count, and not if it is cancelled', async () => {
  const disk = new MemoryDisk()
  const { journal, names } = await open(disk)
  const done: string[] = []
  const first = journal.append(['a', 1]).then(() => done.push('durable'))
  journal.whileSyncing(() => done.push(`work, ${names.size} records`))
  journal.whileSyncing(() => done.push('cancelled'))()
  expect(done).toEqual([])
  await first
  await journal.append(['b', 2])
  expect(done).toEqual(['work, 0 records', 'durable'])
})

test('close waits for the appended records, and accepts no new one', async () => {
  const { journal, names } = await open(new MemoryDisk())
  const last = journal.append(['a', 1])
  await journal.close()
  await last
  expect(names.size).toBe(1)
  await expect(journal.append(['b', 1])).rejects.toMatchObject({ reason: 'closed' })
})

test('a record that is too long is refused, and so are records beyond the queue', async () => {
  const { journal, names } = await open(new MemoryDisk())
  await expect(journal.append(['a', 'x'.repeat(LINE_MAX_BYTES)])).rejects.toMatchObject({ reason: 'too long' })
  const long = 'x'.repeat(LINE_MAX_BYTES - 1000)
  const results = await Promise.allSettled(
    Array.from({ length: Math.ceil(QUEUE_MAX_BYTES / long.length) + 1 }, (_, index) =>
      journal.append([`${index}`, long]),
    ),
  )
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThan(0)
  expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ reason: 'full' })
  expect(names.size).toBe(results.length - refused.length)
  await journal.append(['later', 1])
})

async function filled(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const { journal } = await open(disk)
  for (const name of ['a', 'b', 'c', 'd']) await journal.append([name, 1])
  await journal.close()
  return disk
}

describe('a disk that fails', () => {
  const cases: [DiskStep, string][] = [
    ['write', 'ENOSPC'],
    ['write', 'EIO'],
    ['sync', 'EIO'],
  ]
  test.each(cases)(
    'a %s with %s rejects the waiting records, and the next append fixes the file',
    async (step, code) => {
      const disk = new MemoryDisk()
      const { journal, names } = await open(disk)
      await journal.append(['a', 1])
      failOnce(disk, step, code)
      const failed = journal.append(['b', 2])
      await expect(failed).rejects.toThrow(JournalError)
      await expect(failed).rejects.toMatchObject({ reason: 'failed', cause: { code } })
      expect(journal.failure).toMatchObject({ code })
      await journal.append(['c', 3])
      expect(journal.failure).toBeUndefined()
      expect(Object.fromEntries(names.map)).toEqual({ a: 1, c: 3 })
      await journal.close()
      const again = await open(disk)
      expect(again.faults).toEqual([])
      expect(again.names.map).toEqual(names.map)
    },
  )

  test('records that were appended after a failed one fail with it', async () => {
    const disk = new MemoryDisk()
    const { journal, names } = await open(disk)
    disk.fail = (step) => {
      if (step !== 'sync') return undefined
      disk.fail = () => undefined
      queued = journal.append(['b', 2])
      return systemError('EIO')
    }
    let queued: Promise<void> = Promise.resolve()
    const first = journal.append(['a', 1])
    await expect(first).rejects.toThrow('EIO')
    await expect(queued).rejects.toThrow('EIO')
    expect(names.size).toBe(0)
  })

  test('while it lasts, every append is tried and rejected', async () => {
    const disk = new MemoryDisk()
    const { journal, names } = await open(disk)
    await journal.append(['a', 1])
    disk.fail = (step) => (step === 'write' || step === 'truncate' ? systemError('ENOSPC') : undefined)
    for (let round = 0; round < 3; round++) await expect(journal.append(['b', round])).rejects.toThrow('ENOSPC')
    disk.fail = () => undefined
    await journal.append(['c', 1])
    expect([...names.map.keys()]).toEqual(['a', 'c'])
    expect((await open(disk)).names.map).toEqual(names.map)
  })
})

describe('compaction', () => {
  test('keeps the file within its bound', async () => {
    const disk = new MemoryDisk()
    const { journal, names } = await open(disk, 1000)
    for (let round = 0; round < 500; round++) {
      await journal.append([`${round % 10}`, round])
      expect(journal.bytes).toBeLessThan(1000 * COMPACT_FACTOR)
    }
    expect(disk.list()).toEqual([PATH, `${PATH}.mark`])
    await journal.close()
    const again = await open(disk)
    expect(again.faults).toEqual([])
    expect(again.names.map).toEqual(names.map)
  })

  test('marks its whole file as durable: a missing last line is damage', async () => {
    const disk = new MemoryDisk()
    const { journal } = await open(disk, 300)
    // The file is compacted every few records. The last round leaves the compacted lines and one record.
    let before = 0
    for (let round = 0; journal.bytes >= before; round++) {
      before = journal.bytes
      await journal.append([`${round % 3}`, round])
    }
    await journal.close()
    const compacted = Buffer.from(text(disk).split('\n').slice(0, -2).join('\n'))
    disk.place(PATH, compacted.subarray(0, -1))
    expect((await open(disk)).faults[0]).toMatchObject({ kind: 'damaged' })
  })

  test('without room leaves the old file in use', async () => {
    const disk = new MemoryDisk()
    const { journal } = await open(disk, 1000)
    let round = 0
    const create = disk.create.bind(disk)
    disk.create = () => Promise.reject(systemError('ENOSPC'))
    while (journal.bytes < 5000) await journal.append(['a', round++])
    disk.create = create
    for (let more = 0; more < 100; more++) await journal.append(['a', round++])
    expect(journal.bytes).toBeLessThan(5000)
    expect((await open(disk)).names.map.get('a')).toBe(round - 1)
  })

  test('whose new name may not last gets no new records', async () => {
    const disk = new MemoryDisk()
    const { journal } = await open(disk, 300)
    const rejected: unknown[] = []
    disk.fail = (step) => (step === 'syncFolder' ? systemError('EIO') : undefined)
    for (let round = 0; round < 100 && rejected.length === 0; round++) {
      await journal.append(['a', round]).catch((error: unknown) => rejected.push(error))
    }
    expect(rejected[0]).toBeInstanceOf(JournalError)
    await expect(journal.append(['b', 1])).rejects.toThrow('EIO')
    disk.fail = () => undefined
    await journal.append(['c', 1])
    // The power cut leaves either name: acknowledged records are under both.
    for (const pick of [0, 1]) {
      const { names } = await open(disk.powerCut((n) => pick % n))
      expect(names.map.get('c')).toBe(1)
    }
  })
})

describe('a file that was changed from outside', () => {
  test('a torn end is cut off, reported, and appended over', async () => {
    const disk = await filled()
    const whole = text(disk)
    disk.place(PATH, Buffer.from(`${whole}0badc0de 5 5 ["e`))
    const { journal, faults, names } = await open(disk)
    expect(faults).toEqual([
      { kind: 'torn', message: '/state/journal: the last write was incomplete (line 6) and was removed' },
    ])
    expect([...names.map.keys()]).toEqual(['a', 'b', 'c', 'd'])
    expect(text(disk)).toBe(whole)
    await journal.append(['f', 1])
    expect((await open(disk)).faults).toEqual([])
  })

  test('a damaged middle is reported and kept aside; readable records are used', async () => {
    const disk = await filled()
    const damaged = Buffer.from(text(disk).replace('["b"', '["x"'))
    disk.place(PATH, damaged)
    const { journal, faults, names } = await open(disk)
    expect(faults[0]).toMatchObject({
      kind: 'damaged',
      message: '/state/journal: damaged at line 3; readable records are used',
    })
    expect([...names.map.keys()]).toEqual(['a', 'c', 'd'])
    expect(disk.peek(`${PATH}.damaged-1`)).toEqual(damaged)
    await journal.append(['e', 1])
    const again = await open(disk)
    expect(again.faults).toEqual([])
    expect([...again.names.map.keys()]).toEqual(['a', 'c', 'd', 'e'])
  })

  test('a second damaged file gets the next name', async () => {
    const disk = await filled()
    disk.place(`${PATH}.damaged-1`, Buffer.from('the first'))
    disk.place(PATH, Buffer.alloc(0))
    const { faults } = await open(disk)
    expect(faults.map(({ kind }) => kind)).toEqual(['damaged', 'damaged'])
    expect(faults[1]!.message).toBe('/state/journal: kept aside as /state/journal.damaged-2')
    expect(disk.peek(`${PATH}.damaged-1`)).toEqual(Buffer.from('the first'))
  })

  test('records of an unknown kind are damage: they are not thrown away in silence', async () => {
    const disk = await filled()
    disk.place(PATH, Buffer.concat([Buffer.from(text(disk)), encodeLine(5, 5, '{"new":1}')]))
    const { faults } = await open(disk)
    expect(faults[0]).toMatchObject({ kind: 'damaged', message: expect.stringContaining('1 records are unknown') })
  })

  test('a damaged file that cannot be fixed yet is read, and gets no record until it is fixed', async () => {
    const disk = await filled()
    const damaged = Buffer.from(text(disk).replace('["b"', '["x"'))
    disk.place(PATH, damaged)
    disk.fail = (step) => (step === 'link' ? systemError('EROFS') : undefined)
    const { journal, faults, names } = await open(disk)
    expect(faults.at(-1)).toMatchObject({ kind: 'failed' })
    expect([...names.map.keys()]).toEqual(['a', 'c', 'd'])
    await expect(journal.append(['e', 1])).rejects.toThrow('EROFS')
    disk.fail = () => undefined
    await journal.append(['e', 1])
    expect(disk.peek(`${PATH}.damaged-1`)).toEqual(damaged)
    expect([...(await open(disk)).names.map.keys()]).toEqual(['a', 'c', 'd', 'e'])
  })

  test('a journal of a later version is not touched', async () => {
    const disk = new MemoryDisk()
    const later = encodeLine(0, 1, '{"format":"postern journal","version":2}')
    disk.place(PATH, later)
    await expect(open(disk)).rejects.toThrow('not a journal of this version')
    expect(disk.peek(PATH)).toEqual(later)
    expect(disk.list()).toEqual([PATH])
  })
})
