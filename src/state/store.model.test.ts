// Goal: after any requests, and any failure of power, process or disk, a reopened store has all acknowledged records.
// Of the others it has whole records only.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import { MemoryDisk, systemError } from './disk-fake.ts'
import type { Opening } from './opening.ts'
import { openStoreOn } from './store.ts'
import type { Store } from './store.ts'

const PATH = '/state/journal'
/** The size is so small that most runs compact several times. */
const COMPACT_BYTES = 900
const RUNS = SLOW ? 20_000 : 100

type Request =
  | { readonly kind: 'opened'; readonly id: string; readonly until: number }
  | { readonly kind: 'extended'; readonly id: string; readonly until: number }
  | { readonly kind: 'closed'; readonly id: string }
  | { readonly kind: 'used'; readonly mark: string }
  | { readonly kind: 'replay'; readonly key: string; readonly value: string }

const id = fc.constantFrom('a', 'b', 'c', 'd')
const until = fc.nat(1e6)
const request: fc.Arbitrary<Request> = fc.oneof(
  fc.record({ kind: fc.constant('opened' as const), id, until }),
  fc.record({ kind: fc.constant('extended' as const), id, until }),
  fc.record({ kind: fc.constant('closed' as const), id }),
  fc.record({
    kind: fc.constant('used' as const),
    mark: fc.nat(40).map(String),
  }),
  fc.record({ kind: fc.constant('replay' as const), key: id, value: fc.nat(99).map(String) }),
)
const bursts = fc.array(fc.array(request, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 12 })

/** The requests, in their order. */
interface Asked {
  readonly request: Request
  acknowledged: boolean
  /** The request was refused before anything was written. */
  refused: boolean
}

function openingOf(name: string, end: number): Opening {
  const clocks = { since: 0, until: end, boot: 'boot', bootUntil: end + 7 }
  const stop = `close ${name}`
  return {
    id: name,
    door: 'door',
    source: '192.0.2.1',
    family: 4,
    openedAt: 0,
    stop,
    environment: { ID: name },
    ...clocks,
  }
}

async function ask(store: Store, wanted: Request): Promise<unknown> {
  switch (wanted.kind) {
    case 'opened':
      return store.opened(openingOf(wanted.id, wanted.until))
    case 'extended': {
      const { since, until: end, boot, bootUntil } = openingOf(wanted.id, wanted.until)
      return store.extended(wanted.id, { since, until: end, boot, bootUntil })
    }
    case 'closed':
      return store.closed(wanted.id)
    case 'used':
      return store.used('door', wanted.mark)
    case 'replay':
      break
  }
  return store.advance(wanted.key, wanted.value, () => true)
}

/** The plain model has maps only. */
interface Model {
  readonly openings: Record<string, number>
  readonly used: readonly string[]
  readonly replay: Record<string, string>
}

function fold(asked: readonly Request[]): Model {
  const openings = new Map<string, number>()
  const used = new Set<string>()
  const replay = new Map<string, string>()
  for (const each of asked) {
    if (each.kind === 'opened') openings.set(each.id, each.until)
    else if (each.kind === 'extended') {
      if (openings.has(each.id)) openings.set(each.id, each.until)
    } else if (each.kind === 'closed') openings.delete(each.id)
    else if (each.kind === 'used') used.add(each.mark)
    else replay.set(each.key, each.value)
  }
  return { openings: Object.fromEntries(openings), used: [...used].sort(), replay: Object.fromEntries(replay) }
}

function modelOf(store: Store): Model {
  const openings: Record<string, number> = {}
  for (const [name, opening] of store.openings) {
    // No opening is half-applied: every field belongs to the same record.
    expect(opening).toEqual(openingOf(name, opening.until))
    openings[name] = opening.until
  }
  const used = Array.from({ length: 41 }, (_, mark) => `${mark}`).filter((mark) => store.wasUsed('door', mark))
  const replay: Record<string, string> = {}
  for (const key of ['a', 'b', 'c', 'd']) {
    const value = store.newest(key)
    if (value !== undefined) replay[key] = value
  }
  return { openings, used: used.sort(), replay }
}

/** Returns true if the acknowledged requests, with some of the others, make the model. */
function explains(asked: readonly Asked[], found: Model): boolean {
  const wanted = JSON.stringify(found)
  const open = asked.filter(({ acknowledged, refused }) => !acknowledged && !refused)
  for (let chosen = 0; chosen < 2 ** open.length; chosen++) {
    const taken = asked.filter((each) => each.acknowledged || (chosen >> open.indexOf(each)) & 1 & +open.includes(each))
    if (
      JSON.stringify(sorted(fold(taken.map((each) => each.request)))) === JSON.stringify(sorted(JSON.parse(wanted)))
    ) {
      return true
    }
  }
  return false
}

function entries(values: Record<string, unknown>): unknown {
  return Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1))
}

function sorted({ openings, used, replay }: Model): unknown {
  return [entries(openings), used, entries(replay)]
}

async function run(store: Store, plan: readonly (readonly Request[])[], asked: Asked[]): Promise<void> {
  for (const burst of plan) {
    await Promise.allSettled(
      burst.map(async (each) => {
        const entry: Asked = { request: each, acknowledged: false, refused: false }
        asked.push(entry)
        try {
          const done = await ask(store, each)
          // The request changed nothing, so nothing was written.
          if (done === false) entry.refused = true
          else entry.acknowledged = true
        } catch (error) {
          if ((error as Error).name === 'StoreError') entry.refused = true
        }
      }),
    )
  }
}

describe('the store against the model', { timeout: 600_000 }, () => {
  test('after reopenings', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(bursts, { minLength: 1, maxLength: 4 }), async (plans) => {
        const disk = new MemoryDisk()
        const asked: Asked[] = []
        for (const plan of plans) {
          const { store, faults } = await openStoreOn(disk, PATH, undefined, COMPACT_BYTES)
          expect(faults).toEqual([])
          await run(store, plan, asked)
          expect(asked.every(({ acknowledged, refused }) => acknowledged || refused)).toBe(true)
          expect(explains(asked, modelOf(store))).toBe(true)
          await store.close()
        }
        const { store } = await openStoreOn(disk, PATH)
        expect(explains(asked, modelOf(store))).toBe(true)
      }),
      { numRuns: RUNS / 4 },
    )
  })

  test('after a power cut before any step, with any unsynced page lost or zero', async () => {
    let cuts = 0
    await fc.assert(
      fc.asyncProperty(bursts, bursts, fc.nat(120), fc.infiniteStream(fc.nat()), async (plan, later, cutAt, picks) => {
        const disk = new MemoryDisk()
        const { store } = await openStoreOn(disk, PATH, undefined, COMPACT_BYTES)
        const asked: Asked[] = []
        let after: MemoryDisk | undefined
        let known: Asked[] = []
        let steps = 0
        disk.fail = () => {
          if (steps++ === cutAt) {
            after = disk.powerCut((n) => (picks.next().value as number) % n)
            known = asked.map((each) => ({ ...each }))
          }
          return undefined
        }
        await run(store, plan, asked)
        if (after === undefined) return
        cuts++
        const reopened = await openStoreOn(after, PATH, undefined, COMPACT_BYTES)
        expect(reopened.faults.filter(({ kind }) => kind !== 'torn')).toEqual([])
        const found = modelOf(reopened.store)
        expect(explains(known, found)).toBe(true)
        // The store then works as if nothing had happened.
        await run(reopened.store, later, [])
        const end = modelOf(reopened.store)
        await reopened.store.close()
        const again = await openStoreOn(after, PATH)
        expect(again.faults).toEqual([])
        expect(sorted(modelOf(again.store))).toEqual(sorted(end))
      }),
      { numRuns: RUNS },
    )
    expect(cuts).toBeGreaterThan(RUNS / 10)
  })

  test('after failures of the disk now and then, and a power cut', async () => {
    let failures = 0
    await fc.assert(
      fc.asyncProperty(
        bursts,
        fc.infiniteStream(fc.nat(19)),
        fc.infiniteStream(fc.nat()),
        async (plan, fails, picks) => {
          const disk = new MemoryDisk()
          const { store } = await openStoreOn(disk, PATH, undefined, COMPACT_BYTES)
          const asked: Asked[] = []
          disk.fail = () => {
            const pick = fails.next().value as number
            return pick < 2 ? systemError(pick === 0 ? 'EIO' : 'ENOSPC') : undefined
          }
          let ended = 0
          for (const burst of plan) {
            await run(store, [burst], asked)
            const failed = asked.filter(({ acknowledged, refused }) => !acknowledged && !refused)
            failures += failed.length
            // The memory has the acknowledged records only.
            const inMemory = modelOf(store).openings
            const acknowledged = asked.filter((each) => each.acknowledged).map((each) => each.request)
            expect(entries(inMemory)).toEqual(entries(fold(acknowledged).openings))
            // A failed record may be found later, until another record was acknowledged after it.
            if (asked.slice(ended).some((each) => each.acknowledged)) {
              for (const each of failed)
                each.refused ||= asked.indexOf(each) < asked.findLastIndex((one) => one.acknowledged)
              ended = asked.length
            }
          }
          const after = disk.powerCut((n) => (picks.next().value as number) % n)
          const { store: found, faults } = await openStoreOn(after, PATH)
          expect(faults.filter(({ kind }) => kind !== 'torn')).toEqual([])
          expect(explains(asked, modelOf(found))).toBe(true)
        },
      ),
      { numRuns: RUNS },
    )
    expect(failures).toBeGreaterThan(RUNS / 10)
  })

  test('after the file was cut at any byte', async () => {
    const disk = new MemoryDisk()
    const { store } = await openStoreOn(disk, PATH)
    const header = disk.peek(PATH)!.length
    const states = [{ bytes: header, model: modelOf(store) }]
    const plan = fc.sample(fc.array(request, { minLength: 30, maxLength: 30 }), { numRuns: 1, seed: 7 })[0]!
    for (const each of plan) {
      await ask(store, each).catch(() => {})
      const bytes = disk.peek(PATH)!.length
      if (bytes > states.at(-1)!.bytes) states.push({ bytes, model: modelOf(store) })
    }
    const whole = disk.peek(PATH)!
    for (let length = 0; length <= whole.length; length++) {
      const cut = new MemoryDisk()
      cut.place(PATH, whole.slice(0, length))
      const { store: found, faults } = await openStoreOn(cut, PATH)
      const last = states.findLast(({ bytes }) => bytes <= length)
      expect(sorted(modelOf(found)), `cut at ${length}`).toEqual(sorted(last?.model ?? fold([])))
      const kinds = new Set(faults.map(({ kind }) => kind))
      expect([...kinds]).toEqual(last === undefined ? ['damaged'] : last.bytes === length ? [] : ['torn'])
      await found.opened(openingOf('new', 1))
    }
  })

  test('with a byte changed anywhere, every other record is there, and the damage is reported', async () => {
    const disk = new MemoryDisk()
    const { store } = await openStoreOn(disk, PATH)
    for (const name of ['a', 'b', 'c', 'd']) await store.opened(openingOf(name, 5))
    const whole = disk.peek(PATH)!
    for (let at = 0; at < whole.length; at++) {
      const changed = new MemoryDisk()
      const bytes = whole.slice()
      bytes[at]! ^= 0x41
      changed.place(PATH, bytes)
      const { store: found, faults } = await openStoreOn(changed, PATH)
      expect(faults.length, `byte ${at}`).toBeGreaterThan(0)
      // Without its line feed, a line also takes the next line with it.
      expect(found.openings.size).toBeGreaterThanOrEqual(whole[at] === 10 ? 2 : 3)
      for (const [name, opening] of found.openings) expect(opening).toEqual(openingOf(name, 5))
    }
  })
})
