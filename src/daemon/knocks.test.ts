// Goal: a packet that concerns several doors is logged once for each, in the order of the config.
import { expect, test } from 'vitest'
import { hit, secret } from '../../test/gate/knocks.ts'
import { readConfig } from '../config/read.ts'
import { parseAddress } from '../packet/address.ts'
import { Knocks } from './knocks.ts'
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
