import { withNetAdmin } from './credentials.ts'
import { spawn } from './spawn.ts'
import type { ChildProcess } from './spawn.ts'
import type { ProgramEnd, StartProgram } from './program.ts'

/** Starts a program with Node's own `spawn`, on every system. It holds the event loop for as long as a fork takes. */
export const startByNode: StartProgram = async ([file = '', ...args], environment, output, input) => {
  const child: ChildProcess = withNetAdmin(() =>
    spawn(file, args, {
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: environment,
    }),
  )
  const streams = [child.stdout, child.stderr]
  const ended = new Promise<ProgramEnd>((resolve) => {
    child.once('exit', (status, signal) => resolve({ status: status ?? undefined, signal: signal ?? undefined }))
  })
  const read = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  // A program need not read its input.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  // Without a free descriptor there are no streams.
  for (const stream of streams) stream?.on('data', output)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  return {
    pid: child.pid!,
    ended,
    read,
    release() {
      for (const stream of streams) stream?.destroy()
    },
  }
}
