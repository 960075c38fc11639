import { spawn as spawnNode, spawnSync as spawnSyncNode } from 'node:child_process'
import { markCloseOnExec } from './close-on-exec.ts'

export type { ChildProcess } from 'node:child_process'

/**
 * Runs a program with Node's own `spawn`. All programs are run by this function or the next. A program gets the
 * descriptors in `stdio` and no other descriptor of this process. A program that cannot be run is reported by the
 * `error` event. Without a listener for it, this process continues.
 */
export const spawn = ((...words: Parameters<typeof spawnNode>) => {
  markCloseOnExec()
  const child = spawnNode(...words)
  child.on('error', () => undefined)
  return child
}) as typeof spawnNode

/** Runs a program with Node's own `spawnSync`, under the same rule for descriptors. */
export const spawnSync = ((...words: Parameters<typeof spawnSyncNode>) => {
  markCloseOnExec()
  return spawnSyncNode(...words)
}) as typeof spawnSyncNode
