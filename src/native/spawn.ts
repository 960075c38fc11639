import { spawn as spawnNode, spawnSync as spawnSyncNode } from 'node:child_process'
import { markCloseOnExec } from './close-on-exec.ts'

export type { ChildProcess } from 'node:child_process'

/**
 * Node's own `spawn`, by which alone programs are run here: what they get is what `stdio` names, and no other descriptor
 * of this process, whoever opened it. One that cannot be run is told by `error`; nobody who does not listen for that ends
 * with it.
 */
export const spawn = ((...words: Parameters<typeof spawnNode>) => {
  markCloseOnExec()
  const child = spawnNode(...words)
  child.on('error', () => undefined)
  return child
}) as typeof spawnNode

/** Node's own `spawnSync`, by the same rule. */
export const spawnSync = ((...words: Parameters<typeof spawnSyncNode>) => {
  markCloseOnExec()
  return spawnSyncNode(...words)
}) as typeof spawnSyncNode
