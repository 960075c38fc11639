/*
 * Writes to a store as fast as it goes until it is killed, and says on standard output what it asks for and what was
 * acknowledged: `+ NAME` before, `= NAME TIME` after (process.hrtime, one clock for all processes). Names are
 * `opened ID`, `closed ID` and `used MARK`; those of one run begin with the word given.
 *
 *     node writer.js JOURNAL WORD LANES
 */
import { writeSync } from 'node:fs'
import { openStore } from '../../../src/state/store.ts'
import type { Opening } from '../../../src/state/opening.ts'

/** Used marks of one run: together with those of other runs fewer than are remembered. */
const MARKS_MAX = 500

const [path, word, lanes] = process.argv.slice(2)
const { store } = await openStore(path!, { lock: () => true, pid: process.pid })
const times = { openedAt: 1, since: 1, until: 2, boot: undefined, bootUntil: undefined }
const rest = { door: 'door', source: '192.0.2.1', family: 4, stop: 'close', environment: {}, ...times } as const

async function told(name: string, act: () => Promise<unknown>): Promise<void> {
  writeSync(1, `+ ${name}\n`)
  // Once the disk is gone nothing more is acknowledged, and that is what is tested.
  await act().then(
    () => writeSync(1, `= ${name} ${process.hrtime.bigint()}\n`),
    () => {},
  )
}

async function lane(index: number): Promise<void> {
  for (let round = 0; ; round++) {
    const id = `${word}.${index}.${round}`
    const opening: Opening = { id, ...rest }
    await told(`opened ${id}`, () => store.opened(opening))
    if (round * Number(lanes) < MARKS_MAX) await told(`used ${id}`, () => store.used('door', id))
    // Every fourth stays open.
    if (round % 4 !== 0) await told(`closed ${id}`, () => store.closed(id))
    if (store.failure !== undefined) return
  }
}

await Promise.all(Array.from({ length: Number(lanes) }, (_, index) => lane(index)))
writeSync(1, 'failed\n')
