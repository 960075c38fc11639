import { startByNode } from './node-spawn.ts'
import { PosixSpawn } from './posix-spawn.ts'
import type { StartProgram } from './program.ts'

let start: StartProgram | undefined

/** Starts a program by posix_spawn(3) if the system has what that needs, or else by Node.js. */
export const startProgram: StartProgram = async (...how) => {
  start ??= PosixSpawn.find()?.start ?? startByNode
  return await start(...how)
}
