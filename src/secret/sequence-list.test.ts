// Goal: the gate has the next sequence that nobody has used, here or on another host of the fleet.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import { fakeDeps } from './deps-fake.ts'
import { SequenceList } from './sequence-list.ts'
import { usedMark } from './used-mark.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-list-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a sequence that another host has used is marked here, and the next one takes its place without a warning', async () => {
  const path = join(folder, 'list')
  const text = ' 4001,4002\n 4003,4004\n 4005,4006\n'
  writeFileSync(path, text, { mode: 0o600 })
  const config = `[options]\nFleet = /f\n[once]\nOne_Time_Sequences = ${path}\nOpen_Ports = tcp/22\nScope = fleet\n`
  const door = readConfig(config, 'k').config!.doors[0]!
  const deps = await fakeDeps(folder)
  const learners: (() => void)[] = []
  const ledger = Object.assign(deps.ledger, {
    learned: (call: () => void) => {
      learners.push(call)
      return () => undefined
    },
  })
  const list = new SequenceList({ ...deps, ledger, door, path, lowWater: 0, changed: () => undefined })
  list.refresh()
  const [first, second] = list.sequences
  expect(list.sequence?.knocks).toEqual(first)
  await ledger.claim('once', usedMark('once', first!))
  for (const learn of learners) learn()
  expect(list.sequence?.knocks).toEqual(second)
  expect(readFileSync(path, 'latin1')).toBe(`#${text.slice(1)}`)
  expect(deps.said).toEqual([])
  list.close()
})

test('a sequence that another host uses at the same time is marked here, without a warning', async () => {
  const path = join(folder, 'list')
  const text = ' 4001,4002\n 4003,4004\n 4005,4006\n'
  writeFileSync(path, text, { mode: 0o600 })
  const config = `[options]\nFleet = /f\n[once]\nOne_Time_Sequences = ${path}\nOpen_Ports = tcp/22\nScope = fleet\n`
  const door = readConfig(config, 'k').config!.doors[0]!
  const deps = await fakeDeps(folder)
  const list = new SequenceList({ ...deps, door, path, lowWater: 0, changed: () => undefined })
  list.refresh()
  const proof = list.sequence!
  await deps.ledger.claim('once', usedMark('once', proof.knocks))
  expect(await list.redeem(proof)).toHaveProperty('refused')
  expect(readFileSync(path, 'latin1')).toBe(`#${text.slice(1)}`)
  expect(deps.said).toEqual([])
  list.close()
})
