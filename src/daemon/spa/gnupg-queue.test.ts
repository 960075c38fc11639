// Goal: who has no key may have gpg started so often and no more, as one source or as many; and whoever has opened before,
// or shows an HMAC, gets a turn beside any number of them.
import { expect, test } from 'vitest'
import { parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { GnupgQueue, PER_SOURCE_MAX, RUNNING_MAX, WAITING_MAX } from './gnupg-queue.ts'

const at = (text: string): Address => parseAddress(text)!
const stranger = (index: number): Address => at(`198.51.${index >> 8}.${index & 255}`)
const OWNER = at('192.0.2.7')

/** What may begin has begun by the next task. */
const begun = async (): Promise<void> => {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}

/** Work that goes on until it is let go. */
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

const queueOf = (): GnupgQueue => new GnupgQueue([1, 2])

test('one source has two at a time, and one every two seconds', async () => {
  const queue = queueOf()
  const work = new Work()
  const ask = async (now: number): Promise<string | undefined> =>
    await queue.run({ source: OWNER, proven: false }, now, work.run)
  const first = [ask(0), ask(0)]
  expect(await ask(0)).toBeUndefined()
  await work.end()
  await work.end()
  expect(await Promise.all(first)).toEqual(Array.from({ length: PER_SOURCE_MAX }, () => 'done'))
  let run = 0
  for (let now = 0; now < 60_000; now += 100) {
    const one = ask(now)
    await work.end()
    if ((await one) !== undefined) run++
  }
  // A burst of four less the two above, and one every two seconds.
  expect(run).toBeGreaterThanOrEqual(28)
  expect(run).toBeLessThanOrEqual(33)
})

test('a /64 of IPv6 is one source', async () => {
  const queue = queueOf()
  const work = new Work()
  const asked = ['2001:db8::1', '2001:db8::2', '2001:db8::ffff:3'].map(
    async (text) => await queue.run({ source: at(text), proven: false }, 0, work.run),
  )
  expect(await asked[2]).toBeUndefined()
  await work.end()
  await work.end()
  expect(await Promise.all(asked.slice(0, 2))).toEqual(['done', 'done'])
})

test('many strangers have one at a time and a bounded queue; who has opened before, or shows an HMAC, has the other', async () => {
  const queue = queueOf()
  const work = new Work()
  const refused: unknown[] = []
  for (let index = 0; index < 1_000; index++) {
    const asked = queue.run({ source: stranger(index), proven: false }, 0, work.run)
    void (async () => refused.push(await asked))()
  }
  await begun()
  expect(work.begun).toBe(1)
  queue.know(OWNER)
  const mine = queue.run({ source: OWNER, proven: false }, 0, work.run)
  await begun()
  expect(work.begun).toBe(RUNNING_MAX)
  const proven = queue.run({ source: at('192.0.2.8'), proven: true }, 0, work.run)
  const known = queue.run({ source: OWNER, proven: false }, 0, work.run)
  await begun()
  expect(work.begun).toBe(RUNNING_MAX)
  // Those wait for one turn, ahead of all strangers.
  for (let turn = 0; turn < 4; turn++) await work.end()
  expect(await Promise.all([mine, proven, known])).toEqual(['done', 'done', 'done'])
  await begun()
  expect(refused.filter((done) => done === undefined).length).toBeGreaterThanOrEqual(1_000 - WAITING_MAX - 1)
})

test('all strangers together run eight a second, however many they are', async () => {
  const queue = queueOf()
  let run = 0
  for (let now = 0; now < 10_000; now += 10) {
    const done = await queue.run({ source: stranger(now), proven: false }, now, async () => await Promise.resolve(true))
    if (done === true) run++
  }
  expect(run).toBeLessThanOrEqual(8 * 10 + 16)
  expect(run).toBeGreaterThanOrEqual(8 * 10)
})

test('work that fails gives its place back', async () => {
  const queue = queueOf()
  for (let times = 0; times < 10; times++) {
    const failing = queue.run({ source: OWNER, proven: true }, 0, async () => await Promise.reject(new Error('no gpg')))
    await expect(failing).rejects.toThrow('no gpg')
  }
  expect(await queue.run({ source: OWNER, proven: true }, 0, async () => await Promise.resolve('done'))).toBe('done')
})
