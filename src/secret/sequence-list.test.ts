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

/** Three sequences, as their file has them. */
const SEQUENCES = ' 4001,4002\n 4003,4004\n 4005,4006\n'

/** Writes the list of a door of a fleet. */
async function written() {
  const path = join(folder, 'list')
  writeFileSync(path, SEQUENCES, { mode: 0o600 })
  const config = `[options]\nFleet = /f\n[once]\nOne_Time_Sequences = ${path}\nOpen_Ports = tcp/22\nScope = fleet\n`
  const door = readConfig(config, 'k').config!.doors[0]!
  return { ...(await fakeDeps(folder)), door, path, lowWater: 0, changed: () => undefined }
}

test('a sequence that another host has used is marked here, and the next one takes its place without a warning', async () => {
  const deps = await written()
  const learners: (() => void)[] = []
  const ledger = Object.assign(deps.ledger, {
    learned: (call: () => void) => {
      learners.push(call)
      return () => undefined
    },
  })
  const list = new SequenceList({ ...deps, ledger })
  list.refresh()
  const [first, second] = list.sequences
  expect(list.sequence?.knocks).toEqual(first)
  await ledger.claim('once', usedMark('once', first!))
  for (const learn of learners) learn()
  expect(list.sequence?.knocks).toEqual(second)
  expect(readFileSync(deps.path, 'latin1')).toBe(`#${SEQUENCES.slice(1)}`)
  expect(deps.said).toEqual([])
  list.close()
})

test('a sequence that another host uses at the same time is marked here, without a warning', async () => {
  const deps = await written()
  const list = new SequenceList(deps)
  list.refresh()
  const proof = list.sequence!
  await deps.ledger.claim('once', usedMark('once', proof.knocks))
  expect(await list.redeem(proof)).toHaveProperty('refused')
  expect(readFileSync(deps.path, 'latin1')).toBe(`#${SEQUENCES.slice(1)}`)
  expect(deps.said).toEqual([])
  list.close()
})
