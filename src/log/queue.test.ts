// Goal: lines arrive in order and together, the queue has an end, and what is lost is counted.
import { expect, test, vi } from 'vitest'
import { LOG_QUEUE_MAX_BYTES, LOG_QUEUE_RESERVE_BYTES, LineQueue, WRITES_BURST, WRITES_PER_S } from './queue.ts'
import type { Line } from './queue.ts'

const line = (text: string, urgent = false): Line => ({ text, priority: 5, urgent })

async function turn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve)
  })
}

function bench() {
  const writes: string[][] = []
  const failures: string[] = []
  const lost: number[] = []
  const ends: ((error?: Error) => void)[] = []
  const queue = new LineQueue({
    write: (lines) =>
      new Promise((resolve, reject) => {
        writes.push(lines.map(({ text }) => text))
        ends.push((error) => (error === undefined ? resolve() : reject(error)))
      }),
    failed: (error) => failures.push(error.message),
    lost: (lines) => lost.push(lines),
  })
  const end = async (error?: Error): Promise<void> => {
    ends.shift()!(error)
    await turn()
  }
  return { end, failures, lost, queue, writes }
}

test('one write is under way; what comes meanwhile is the next one', async () => {
  const { end, queue, writes } = bench()
  queue.push(line('a'))
  queue.push(line('b'))
  await turn()
  queue.push(line('c'))
  queue.push(line('d'))
  await turn()
  expect(writes).toEqual([['a', 'b']])
  await end()
  expect(writes).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
  let idle = false
  const waiting = queue.idle().then(() => (idle = true))
  await turn()
  expect(idle).toBe(false)
  await end()
  await waiting
})

test('beyond the bound lines are counted and left out, urgent ones later', async () => {
  const { end, lost, queue, writes } = bench()
  queue.push(line('x'.repeat(LOG_QUEUE_MAX_BYTES)))
  queue.push(line('no room'))
  queue.push(line('room', true))
  queue.push(line('y'.repeat(LOG_QUEUE_RESERVE_BYTES), true))
  await turn()
  expect(writes[0]!.map((text) => text.slice(0, 4))).toEqual(['xxxx', 'room'])
  await end()
  expect(lost).toEqual([2])
  queue.push(line('again'))
  await turn()
  expect(writes[1]).toEqual(['again'])
})

test('the lines of a write that failed are lost, and told of after one that did not', async () => {
  const { end, failures, lost, queue } = bench()
  queue.push(line('a'))
  await turn()
  await end(new Error('ENOSPC'))
  expect([failures, lost]).toEqual([['ENOSPC'], []])
  queue.push(line('b'))
  await turn()
  await end()
  expect([failures, lost]).toEqual([['ENOSPC'], [1]])
})

test('after many writes lines share one, but an urgent line and the end of the log do not wait', async () => {
  vi.useFakeTimers()
  const writes: string[][] = []
  const queue = new LineQueue({
    write: async (lines) => void writes.push(lines.map(({ text }) => text)),
    failed: () => undefined,
    lost: () => undefined,
  })
  const push = async (text: string, urgent = false): Promise<void> => {
    queue.push(line(text, urgent))
    await vi.advanceTimersByTimeAsync(1)
  }
  for (let write = 0; write < WRITES_BURST; write++) await push('burst')
  expect(writes).toHaveLength(WRITES_BURST)
  for (const text of ['a', 'b', 'c']) await push(text)
  expect(writes).toHaveLength(WRITES_BURST)
  await vi.advanceTimersByTimeAsync(1_000 / WRITES_PER_S)
  expect(writes.slice(WRITES_BURST)).toEqual([['a', 'b', 'c']])
  await push('d')
  await push('opened', true)
  expect(writes.at(-1)).toEqual(['d', 'opened'])
  await push('e')
  await queue.idle()
  expect(writes.at(-1)).toEqual(['e'])
  vi.useRealTimers()
})
