// Goal: a packet that concerns several doors is logged once for each, in the order of the config; attempts end by timer a
// few times a second at most; and a second knock is noticed, since the last one should not wait.
import { expect, test, vi } from 'vitest'
import { hit, secret } from '../../test/gate/knocks.ts'
import { readConfig } from '../config/read.ts'
import { steadyNow } from '../capture/steady-clock.ts'
import { parseAddress } from '../packet/address.ts'
import { EXPIRE_INTERVAL_MS, Knocks, WAITING_MAX_MS } from './knocks.ts'
import type { LogEvent } from '../log/event.ts'

const times = (kind: string): readonly string[] => ['a', 'b', 'c'].map((door) => `${kind} ${door}`)

test('stages, time-outs and wrong knocks', () => {
  const config = readConfig('[a]\nSequence = 7431,8020,6001\nOpen_Ports = tcp/22\n', 'k').config!
  const lines: string[] = []
  const decided = (events: readonly LogEvent[]): void => {
    for (const event of events) if ('door' in event) lines.push(`${event.kind} ${event.door}`)
  }
  const knocks = new Knocks(config, {
    decided,
    debug: true,
    completed: () => undefined,
    inOrder: (names) => [...names].sort(),
  })
  knocks.gate.setOwn([parseAddress('192.0.2.1')!])
  for (const door of ['b', 'c', 'a']) knocks.gate.add(secret(door, [7431, 8020, 9123]))
  const after = (): readonly string[] => lines.splice(0).filter((line) => !line.endsWith('undefined'))
  knocks.take(hit({ port: 7431 }))
  expect(after()).toEqual(times('stage'))
  knocks.take(hit({ port: 9123, at: 10 }))
  expect(after()).toEqual(times('explanation'))
  knocks.take(hit({ port: 7431, at: 20 }))
  knocks.take(hit({ port: 7431, at: 3_600_000 }))
  expect(after()).toEqual([...times('stage'), ...times('sequence-timeout'), ...times('stage')])
  knocks.stop()
})

test('attempts that end one after the other share a timer', async () => {
  vi.useFakeTimers()
  const config = readConfig('[a]\nSequence = 7431,8020,6001\nOpen_Ports = tcp/22\n', 'k').config!
  const ends: number[] = []
  const decided = (events: readonly LogEvent[]): void => {
    for (const { kind } of events) if (kind === 'sequence-timeout') ends.push(steadyNow())
  }
  const knocks = new Knocks(config, { decided, debug: false, completed: () => undefined, inOrder: (names) => names })
  knocks.gate.setOwn([parseAddress('192.0.2.1')!])
  knocks.gate.add(secret('a', [7431, 8020, 9123]))
  const timers = vi.fn(globalThis.setTimeout)
  vi.stubGlobal('setTimeout', timers)
  const begun = steadyNow()
  const sources = 300
  for (let number = 0; number < sources; number++) {
    const packet = hit({ port: 7431, from: `198.51.100.${number % 250}`, sequence: number })
    packet.sourceB = number
    packet.time = begun + number
    knocks.take(packet)
    knocks.arm()
  }
  await vi.advanceTimersByTimeAsync(60_000)
  expect(ends).toHaveLength(sources)
  expect(timers.mock.calls.length).toBeLessThanOrEqual(sources / EXPIRE_INTERVAL_MS + 4)
  knocks.stop()
  vi.unstubAllGlobals()
  vi.useRealTimers()
})

test('a last knock that came in time counts, though it waits in a flood until the time is over', async () => {
  vi.useFakeTimers()
  const config = readConfig('[a]\nSequence = 7431,8020,6001\nOpen_Ports = tcp/22\n', 'k').config!
  const completed = vi.fn()
  const knocks = new Knocks(config, { decided: () => undefined, debug: false, completed, inOrder: (names) => names })
  knocks.gate.setOwn([parseAddress('192.0.2.1')!])
  const sequence = secret('a', [7431, 8020])
  knocks.gate.add(sequence)
  const { timeoutMs } = sequence.terms
  const begun = steadyNow()
  const take = (port: number, time: number): void => {
    const packet = hit({ port })
    packet.time = time
    knocks.take(packet)
    knocks.arm()
  }
  take(7431, begun)
  await vi.advanceTimersByTimeAsync(timeoutMs + WAITING_MAX_MS - 10)
  take(8020, begun + timeoutMs - 10)
  expect(completed).toHaveBeenCalledTimes(1)
  take(7431, steadyNow())
  await vi.advanceTimersByTimeAsync(timeoutMs + WAITING_MAX_MS + EXPIRE_INTERVAL_MS)
  expect(knocks.gate.attempts).toBe(0)
  knocks.stop()
  vi.useRealTimers()
})

test('the second knock of a sequence is noticed once, the first one is not', () => {
  const config = readConfig('[a]\nSequence = 7431,8020,6001\nOpen_Ports = tcp/22\n', 'k').config!
  const quiet = { decided: () => undefined, debug: false, completed: () => undefined }
  const knocks = new Knocks(config, { ...quiet, inOrder: (names) => names })
  knocks.gate.setOwn([parseAddress('192.0.2.1')!])
  knocks.gate.add(secret('a', [7431, 8020, 9123]))
  knocks.take(hit({ port: 7431 }))
  expect(knocks.takeAdvanced()).toBe(false)
  knocks.take(hit({ port: 8020, at: 10 }))
  expect([knocks.takeAdvanced(), knocks.takeAdvanced()]).toEqual([true, false])
})
