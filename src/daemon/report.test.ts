// Goal: a packet that concerns several doors is logged once for each, in the order of the config.
import { expect, test } from 'vitest'
import type { Effect } from '../gate/effect.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Log } from './log/log.ts'
import { report } from './report.ts'

const several = { source: parseAddress('192.0.2.7')!, doors: ['b', 'c', 'a'], stage: 1 }

test.each<Effect>([
  { kind: 'stage', ...several },
  { kind: 'timeout', ...several },
  { kind: 'broken', ...several, protocol: TCP, port: 1 },
])('$kind', (effect) => {
  const doors: string[] = []
  const note = (_: unknown, door: string): void => void doors.push(door)
  const log = { stage: note, sequenceTimeout: note, explain: note } as unknown as Log
  report(log, effect, (names) => [...names].sort())
  expect(doors).toEqual(['a', 'b', 'c'])
})
