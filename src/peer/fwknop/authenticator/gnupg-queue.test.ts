// Goal: sources without a key can run gpg for a limited time only, one source or many, whatever a run takes. A source
// that has opened before, or shows an HMAC, gets a turn beside any number of them.
import { expect, test } from 'vitest'
import { SLOW } from '../../../../test/slow.ts'
import { parseAddress } from '../../../packet/address.ts'
import type { Address } from '../../../packet/address.ts'
import {
  GNUPG_LIMITS,
  GnupgQueue,
  PER_SOURCE_MAX,
  RUNNING_MAX,
  STRANGER_TIME_MAX_MS,
  WAITING_MAX,
} from './gnupg-queue.ts'

const at = (text: string): Address => parseAddress(text)!
const stranger = (index: number): Address => at(`198.51.${index >> 8}.${index & 255}`)
const OWNER = at('192.0.2.7')

/** Waits for the next task, by which all that may begin has begun. */
const begun = async (): Promise<void> => {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}

/** Work that lasts until the test ends it. */
class Work {
  begun = 0
  readonly #ends: (() => void)[] = []
  readonly run = async (): Promise<string> => {
    this.begun++
    await new Promise<void>((resolve) => {
      this.#ends.push(resolve)
    })
    return 'done'
  }
  async end(): Promise<void> {
    await begun()
    this.#ends.shift()?.()
    await begun()
  }
}

/** Milliseconds of a clock that the test sets. */
let now = 0
const queueOf = (): GnupgQueue => {
  now = 0
  return new GnupgQueue([1, 2], () => now)
}
/** A run that takes the given time. */
const lasting = (ms: number) => async (): Promise<string> => {
  now += ms
  return await Promise.resolve('done')
}

test('one source runs two at a time', async () => {
  const queue = queueOf()
  const work = new Work()
  const ask = async (): Promise<string | undefined> => await queue.run({ source: OWNER, proven: false }, work.run)
  const first = [ask(), ask()]
  expect(await ask()).toBeUndefined()
  await work.end()
  await work.end()
  expect(await Promise.all(first)).toEqual(Array.from({ length: PER_SOURCE_MAX }, () => 'done'))
})

/** The part of a minute that gpg runs for sources, each of which sends ten packets a second. */
async function share(sources: readonly Address[], ms: number): Promise<number> {
  const queue = queueOf()
  let run = 0
  for (let index = 0; now < 60_000; index++) {
    const done = await queue.run({ source: sources[index % sources.length]!, proven: false }, lasting(ms))
    if (done === undefined) now += 100 / sources.length
    else run += ms
  }
  return run / now
}

test.each([40, 500, STRANGER_TIME_MAX_MS])('one source has a twentieth of the time, with runs of %i ms', async (ms) => {
  const { source } = GNUPG_LIMITS
  const most = source.perSecond / 1_000 + (2 * source.burst + ms) / 60_000
  expect(await share([OWNER], ms)).toBeLessThanOrEqual(most)
  if (ms === 40) expect(await share([OWNER], ms)).toBeGreaterThan(source.perSecond / 1_000)
})

test.each([40, 500, STRANGER_TIME_MAX_MS])(
  'all unknown sources together have a part of the time, with runs of %i ms',
  async (ms) => {
    const many = Array.from({ length: SLOW ? 1_000 : 200 }, (_, index) => stranger(index))
    const { all } = GNUPG_LIMITS
    expect(await share(many, ms)).toBeLessThanOrEqual(all.perSecond / 1_000 + (all.burst + ms) / 60_000)
  },
)

test('a /64 of IPv6 is one source', async () => {
  const queue = queueOf()
  const work = new Work()
  const asked = ['2001:db8::1', '2001:db8::2', '2001:db8::ffff:3'].map(
    async (text) => await queue.run({ source: at(text), proven: false }, work.run),
  )
  expect(await asked[2]).toBeUndefined()
  await work.end()
  await work.end()
  expect(await Promise.all(asked.slice(0, 2))).toEqual(['done', 'done'])
})

test('unknown sources share one of two turns and a bounded queue; sources with an earlier opening or an HMAC have the other', async () => {
  const queue = queueOf()
  const work = new Work()
  const refused: unknown[] = []
  for (let index = 0; index < 1_000; index++) {
    const asked = queue.run({ source: stranger(index), proven: false }, work.run)
    void (async () => refused.push(await asked))()
  }
  await begun()
  expect(work.begun).toBe(1)
  queue.know(OWNER)
  const mine = queue.run({ source: OWNER, proven: false }, work.run)
  await begun()
  expect(work.begun).toBe(RUNNING_MAX)
  const proven = queue.run({ source: at('192.0.2.8'), proven: true }, work.run)
  const known = queue.run({ source: OWNER, proven: false }, work.run)
  await begun()
  expect(work.begun).toBe(RUNNING_MAX)
  // Those wait for one turn, ahead of all unknown sources.
  for (let turn = 0; turn < 4; turn++) await work.end()
  expect(await Promise.all([mine, proven, known])).toEqual(['done', 'done', 'done'])
  await begun()
  expect(refused.filter((done) => done === undefined).length).toBeGreaterThanOrEqual(1_000 - WAITING_MAX - 1)
})

test('a run that fails frees its place', async () => {
  const queue = queueOf()
  for (let times = 0; times < 10; times++) {
    const failing = queue.run({ source: OWNER, proven: true }, async () => await Promise.reject(new Error('no gpg')))
    await expect(failing).rejects.toThrow('no gpg')
  }
  expect(await queue.run({ source: OWNER, proven: true }, async () => await Promise.resolve('done'))).toBe('done')
})

test('a source that shows an HMAC has turns of its own, even if others forge its address', async () => {
  const queue = queueOf()
  const work = new Work()
  const forged = Array.from(
    { length: PER_SOURCE_MAX },
    async () => await queue.run({ source: OWNER, proven: false }, work.run),
  )
  await begun()
  const mine = queue.run({ source: OWNER, proven: true }, work.run)
  for (let turn = 0; turn <= PER_SOURCE_MAX; turn++) await work.end()
  expect(await mine).toBe('done')
  expect(await Promise.all(forged)).toEqual(['done', 'done'])
})

test('forged addresses of known sources leave a place for a source that shows an HMAC', async () => {
  const queue = queueOf()
  const work = new Work()
  for (let index = 0; index < 100; index++) {
    queue.know(stranger(index))
    void queue.run({ source: stranger(index), proven: false }, work.run)
  }
  await begun()
  const mine = queue.run({ source: OWNER, proven: true }, work.run)
  // The source with the HMAC has the next turn.
  for (let turn = 0; turn <= RUNNING_MAX; turn++) await work.end()
  expect(await mine).toBe('done')
  for (let turn = 0; turn < 100; turn++) await work.end()
})
