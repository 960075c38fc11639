import { tryLock } from '../native/libc.ts'
import { openHolderMarks } from '../state/holder-marks.ts'
import type { HolderMarks } from '../state/holder-marks.ts'
import { openStore } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import type { Log } from './log/log.ts'
import { marksPath } from './state-path.ts'

/** The daemon's state on disk. */
export interface State {
  /** The path of the journal. */
  readonly path: string
  readonly store: Store
  readonly marks: HolderMarks
}

/** Opens the journal at a path, and the key beside it. Damage is logged. @throws as {@link openStore} */
export async function openState(path: string, log: Pick<Log, 'notice'>): Promise<State> {
  const { store, faults } = await openStore(path, { lock: tryLock, pid: process.pid })
  for (const fault of faults) log.notice('error', fault.message)
  const marks = await openHolderMarks(marksPath(path), ({ message }) => {
    log.notice('warning', `the holders of openings will be unknown after a restart: ${message}`)
  })
  return { path, store, marks }
}
