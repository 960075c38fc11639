// Goal: a daemon killed at any moment has lost nothing that was acknowledged.
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import { Writer, compare, compileWriter } from '../../test/lab/power-cut/writer-process.ts'
import { COMPACT_MIN_BYTES } from './journal.ts'
import { openStore } from './store.ts'

const ROUNDS = SLOW ? 300 : 3
/** Most characters of report before the kill: enough for several compactions. */
const REPORT_MAX_CHARS = 400_000

const folder = mkdtempSync(join(tmpdir(), 'postern-kill-'))
afterAll(() => rmSync(folder, { recursive: true }))

test(`${ROUNDS} rounds of kill -9`, { timeout: ROUNDS * 10_000 }, async () => {
  const program = compileWriter(join(folder, 'program'))
  const path = join(folder, 'state', 'journal')
  let total = 0
  let compacted = false
  for (let round = 0; round < ROUNDS; round++) {
    const writer = new Writer(program, path, `r${round}`, [1, 4, 64][round % 3]!)
    await writer.reported(randomInt(randomInt(1, REPORT_MAX_CHARS)))
    await writer.kill()
    const { store, faults } = await openStore(path, { lock: () => true, pid: process.pid })
    expect(faults.filter(({ kind }) => kind !== 'torn')).toEqual([])
    const { wrong, acknowledged } = compare(store, writer)
    expect(wrong).toEqual([])
    total += acknowledged
    // What stays open would only make the next round slower.
    await Promise.all([...store.openings.keys()].map((id) => store.closed(id)))
    await store.close()
    compacted ||= total * 60 > COMPACT_MIN_BYTES && statSync(path).size < total * 60
  }
  expect(total).toBeGreaterThan(ROUNDS)
  if (ROUNDS > 100) expect(compacted).toBe(true)
})
