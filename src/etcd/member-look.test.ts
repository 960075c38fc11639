// Goal: all streams to a member share one check. A member that sends news is not checked; one that hangs ends all its
// streams.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { MemberLook, PROBE_EVERY_MS, PROBE_WITHIN_MS } from './member-look.ts'

let asked: number
let hangs: boolean
let look: MemberLook
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  asked = 0
  hangs = false
  look = new MemberLook(async (signal) => {
    asked++
    if (hangs) await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
  })
})
afterEach(() => {
  vi.useRealTimers()
})
const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms)
const never = (): void => expect.fail('a member that answers has no fault')

test('six streams have one look every two seconds, and the last one ends it', async () => {
  const ends = Array.from({ length: 6 }, () => look.watch(() => never()))
  await pass(5 * PROBE_EVERY_MS)
  expect(asked).toBe(5)
  for (const end of ends.slice(1)) end()
  await pass(PROBE_EVERY_MS)
  expect(asked).toBe(6)
  ends[0]!()
  ends[0]!()
  await pass(10 * PROBE_EVERY_MS)
  expect(asked).toBe(6)
  const end = look.watch(never)
  await pass(PROBE_EVERY_MS)
  expect(asked).toBe(7)
  end()
})

test('a member that tells something every second is not looked at, and soon after it falls silent it is', async () => {
  look.watch(never)
  for (let second = 0; second < 20; second++) {
    await pass(1_000)
    look.heard()
  }
  expect(asked).toBe(0)
  await pass(PROBE_EVERY_MS)
  expect(asked).toBe(1)
})

test('one that hangs ends every stream within three seconds of its last word, and is not asked again at once', async () => {
  hangs = true
  const faults: unknown[] = []
  const ends = [1, 2].map(() => look.watch((fault) => void faults.push(fault)))
  await pass(1_500)
  look.heard()
  await pass(PROBE_EVERY_MS + PROBE_WITHIN_MS)
  expect(faults).toMatchObject([{ kind: 'no-answer' }, { kind: 'no-answer' }])
  await pass(PROBE_EVERY_MS - 100)
  expect(asked).toBe(1)
  for (const end of ends) end()
  await pass(10 * PROBE_EVERY_MS)
  expect(asked).toBe(1)
})
