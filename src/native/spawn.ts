import { spawn as spawnNode, spawnSync as spawnSyncNode } from 'node:child_process'
import { markCloseOnExec } from './close-on-exec.ts'

export type { ChildProcess } from 'node:child_process'

/**
 * Runs a program with Node's own `spawn`. All programs are run by the functions of this file. A program gets the
 * descriptors in `stdio` and no other descriptor of this process. A program that cannot be run is reported by the
 * `error` event. Without a listener for it, this process continues.
 */
export const spawn = ((...words: Parameters<typeof spawnNode>) => {
  markCloseOnExec()
  return spawnUnmarked(...words)
}) as typeof spawnNode

/**
 * Runs a program as `spawn` does, from a process that was started by `spawn` and opens descriptors by Node.js alone,
 * which marks them. Nothing has to be marked, and koffi, which takes longer to load than most programs run, is not loaded.
 */
export const spawnUnmarked = ((...words: Parameters<typeof spawnNode>) => {
  const child = spawnNode(...words)
  child.on('error', () => undefined)
  return child
}) as typeof spawnNode

/** Runs a program with Node's own `spawnSync`, under the same rule for descriptors as `spawn`. */
export const spawnSync = ((...words: Parameters<typeof spawnSyncNode>) => {
  markCloseOnExec()
  return spawnSyncNode(...words)
}) as typeof spawnSyncNode
