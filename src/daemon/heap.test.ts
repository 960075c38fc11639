// Goal: the young generation of the heap keeps its first size under load, in this V8 too.
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { FLAGS } from './heap.ts'

/** Fills the young generation again and again with objects that survive, and prints its size in MiB. */
const LOAD = `
const kept = []
for (let round = 0; round < 200; round++) kept[round % 20] = Array.from({ length: 10_000 }, (_, at) => ({ at, round }))
const space = require('node:v8').getHeapSpaceStatistics().find((each) => each.space_name === 'new_space')
console.log(space.space_size / 1_048_576)
`
const sizeMiB = (before: string): number =>
  Number(execFileSync(process.execPath, ['-e', before + LOAD], { encoding: 'utf8' }))

test('it stays small', () => {
  const set = `for (const flag of ${JSON.stringify(FLAGS)}) require('node:v8').setFlagsFromString(flag);`
  const small = sizeMiB(set)
  expect(small).toBeLessThanOrEqual(2)
  expect(sizeMiB('')).toBeGreaterThan(small)
})
