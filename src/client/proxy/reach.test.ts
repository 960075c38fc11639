// Goal: a port that opens late is reached soon after, at the address that was knocked first if that one answers. Few
// tries run at a time, and no try is left when the time is up. The test sets the time.
import { expect, test } from 'vitest'
import type { Destination } from '../destination.ts'
import { FALLBACK_AFTER_MS, FIRST_TRY_AFTER_MS, TRIES_MAX, TRY_EVERY_MS, reach, reachOnce } from './reach.ts'
import type { Trying } from './reach.ts'

const FOUR: Destination = { family: 4, address: '192.0.2.1', source: undefined }
const SIX: Destination = { family: 6, address: '2001:db8::1', source: undefined }

/** The result of a try that begins at a given time, and its delay; `undefined` means no answer. */
type Answer = { readonly open: boolean; readonly afterMs: number } | undefined

interface Timer {
  readonly at: number
  readonly run: () => void
}

/** A network and a clock that a test moves. */
class Network {
  now = 0
  under = 0
  most = 0
  readonly begun: string[] = []
  readonly discarded: string[] = []
  readonly #answer: (destination: Destination, at: number) => Answer
  #timers: Timer[] = []

  constructor(answer: (destination: Destination, at: number) => Answer) {
    this.#answer = answer
  }

  get timers(): number {
    return this.#timers.length
  }

  readonly trying: Trying<string> = {
    discard: (connection) => this.discarded.push(connection),
    pause: async (ms, signal) =>
      new Promise((resolve) => {
        this.#after(ms, signal, resolve, resolve)
      }),
    connect: async (destination, signal) =>
      new Promise((resolve, reject) => {
        const name = `${destination.address} ${this.now}`
        const answer = this.#answer(destination, this.now)
        this.begun.push(name)
        this.under++
        this.most = Math.max(this.most, this.under)
        const settle = (how: () => void) => (): void => {
          this.under--
          how()
        }
        const abandoned = settle(() => reject(new Error('abandoned')))
        const answered = settle(() => (answer?.open === true ? resolve(name) : reject(new Error('refused'))))
        this.#after(answer?.afterMs ?? Number.POSITIVE_INFINITY, signal, answered, abandoned)
      }),
  }

  #after(ms: number, signal: AbortSignal, run: () => void, aborted: () => void): void {
    if (signal.aborted) {
      aborted()
      return
    }
    const drop = (): void => {
      this.#timers = this.#timers.filter((each) => each !== timer)
      aborted()
    }
    const timer: Timer = {
      at: this.now + ms,
      run: () => {
        signal.removeEventListener('abort', drop)
        run()
      },
    }
    this.#timers.push(timer)
    signal.addEventListener('abort', drop, { once: true })
  }

  /** Moves the clock until the promise is settled; returns its value and the time. */
  async settle<T>(promise: Promise<T>): Promise<{ readonly value: T; readonly at: number }> {
    let settled: { readonly value: T; readonly at: number } | undefined
    void promise.then((value) => (settled = { value, at: this.now }))
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve()
      if (settled !== undefined) return settled
      const next = this.#timers.toSorted((one, other) => one.at - other.at)[0]
      if (next === undefined || next.at === Number.POSITIVE_INFINITY) throw new Error('nothing happens any more')
      this.#timers = this.#timers.filter((each) => each !== next)
      this.now = next.at
      next.run()
    }
  }
}

/** A port that opens at some moment; before that it drops SYNs. Answers take `rttMs`. */
const opensAt =
  (moment: number, rttMs: number) =>
  (_: Destination, at: number): Answer =>
    at >= moment ? { open: true, afterMs: rttMs } : undefined

const gone = (network: Network): void => {
  expect([network.under, network.timers]).toEqual([0, 0])
}

test.each([
  [0, 1],
  [5, 1],
  [12, 1],
  [300, 1],
  [4_321, 40],
  [2_000, 900],
])('a port that opens after %i ms, %i ms away, is reached', async (moment, rttMs) => {
  const network = new Network(opensAt(moment, rttMs))
  const { value, at } = await network.settle(reach([FOUR], 5_000, network.trying))
  expect(value).toHaveProperty('connection')
  expect(at).toBeLessThanOrEqual(Math.max(FIRST_TRY_AFTER_MS, moment + TRY_EVERY_MS) + rttMs)
  expect(network.most).toBeLessThanOrEqual(TRIES_MAX + 2)
  gone(network)
})

test('a refusal does not stop the tries', async () => {
  const network = new Network((_, at) => ({ open: at >= 1_000, afterMs: 3 }))
  const { value, at } = await network.settle(reach([FOUR], 5_000, network.trying))
  expect([value, at]).toEqual([{ connection: '192.0.2.1 1010' }, 1_013])
  expect(network.most).toBe(1)
})

test('where an answer takes longer than all later tries, the first try still connects', async () => {
  const network = new Network(() => ({ open: true, afterMs: 3_000 }))
  const { value, at } = await network.settle(reach([FOUR], 5_000, network.trying))
  expect([value, at]).toEqual([{ connection: `192.0.2.1 ${FIRST_TRY_AFTER_MS}` }, 3_000 + FIRST_TRY_AFTER_MS])
  gone(network)
})

test('when the time is up no try is left, and the last refusal is reported', async () => {
  const silent = new Network(() => undefined)
  expect(await silent.settle(reach([FOUR, SIX], 5_000, silent.trying))).toEqual({
    value: { error: undefined },
    at: 5_000,
  })
  gone(silent)
  const refused = new Network(() => ({ open: false, afterMs: 1 }))
  expect((await refused.settle(reach([FOUR], 700, refused.trying))).value).toEqual({ error: new Error('refused') })
  expect(refused.begun).toHaveLength(7)
  gone(refused)
})

test('the address that was knocked first is preferred, and the other one is used if the first does not answer', async () => {
  const both = new Network(opensAt(0, 50))
  expect((await both.settle(reach([SIX, FOUR], 5_000, both.trying))).value).toEqual({
    connection: `2001:db8::1 ${FIRST_TRY_AFTER_MS}`,
  })
  const other = new Network(({ family }) => (family === 4 ? { open: true, afterMs: 50 } : undefined))
  expect(await other.settle(reach([SIX, FOUR], 5_000, other.trying))).toEqual({
    value: { connection: `192.0.2.1 ${FIRST_TRY_AFTER_MS + FALLBACK_AFTER_MS}` },
    at: FIRST_TRY_AFTER_MS + FALLBACK_AFTER_MS + 50,
  })
  gone(other)
})

test('a connection that succeeds too late to be stopped is closed', async () => {
  const network = new Network(() => undefined)
  const answers: (() => void)[] = []
  const connect = async ({ address }: Destination): Promise<string> =>
    new Promise((resolve) => {
      answers.push(() => resolve(address))
    })
  const result = reachOnce([SIX, FOUR], new AbortController().signal, { ...network.trying, connect })
  await network.settle(network.trying.pause(FALLBACK_AFTER_MS, new AbortController().signal))
  for (const answer of answers) answer()
  expect((await network.settle(result)).value).toEqual({ connection: SIX.address })
  expect(network.discarded).toEqual([FOUR.address])
})

test('without a knock each address is tried once, and a refusal starts the next try immediately', async () => {
  const refused = new Network(() => ({ open: false, afterMs: 7 }))
  expect(await refused.settle(reachOnce([SIX, FOUR], new AbortController().signal, refused.trying))).toEqual({
    value: { error: new Error('refused') },
    at: 14,
  })
  expect(refused.begun).toEqual(['2001:db8::1 0', '192.0.2.1 7'])
  const slow = new Network(({ family }, at) => ({ open: true, afterMs: family === 6 ? 9_000 : 800 - at }))
  expect((await slow.settle(reachOnce([SIX, FOUR], new AbortController().signal, slow.trying))).value).toEqual({
    connection: `192.0.2.1 ${FALLBACK_AFTER_MS}`,
  })
  gone(slow)
})

test('without a knock a try lasts as long as the caller allows', async () => {
  const network = new Network(() => undefined)
  const enough = new AbortController()
  const result = reachOnce([FOUR], enough.signal, network.trying)
  void network.trying.pause(1_500, new AbortController().signal).then(() => enough.abort())
  expect(await network.settle(result)).toEqual({ value: { error: undefined }, at: 1_500 })
  gone(network)
})
