import { writeSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { OUTPUT_LOST } from '../cli/exit-code.ts'
import type { Output } from '../cli/output.ts'

const STDERR_FD = 2

/**
 * The output of a program. Nothing that is written here throws or ends the process: a reader that goes away, as in
 * `| head -1`, is no failure, and what the program does it does to its end. A disk that is full is said once, on standard
 * error, and gives exit code 74 where there was none.
 *
 * @param name of the program, in front of what is said
 * @param closed called when nobody reads standard output any more
 */
export function outputOf(name: string, closed: () => void = () => undefined): Output {
  let failed = false
  const lost = (error: NodeJS.ErrnoException): void => {
    if (failed) return
    failed = true
    if (error.code === 'EPIPE') {
      closed()
      return
    }
    // Other failures have said so already.
    if ((process.exitCode ?? 0) === 0) process.exitCode = OUTPUT_LOST
    complain(`${name}: cannot write to standard output: ${error.code ?? error.message}\n`)
  }
  return {
    out: writer(process.stdout, lost),
    err: writer(process.stderr, () => undefined),
  }
}

/** Sets the exit code, where a full disk has not set one. */
export function endWith(code: number): void {
  if (code !== 0) process.exitCode = code
}

function writer(stream: Writable, lost: (error: NodeJS.ErrnoException) => void): (text: string) => void {
  stream.on('error', lost)
  return (text) => {
    try {
      stream.write(text)
    } catch (error) {
      // Of a file, or a device, Node's stream throws at once.
      lost(error as NodeJS.ErrnoException)
    }
  }
}

function complain(text: string): void {
  try {
    writeSync(STDERR_FD, text)
  } catch {
    // Standard error is gone as well: there is nobody to tell.
  }
}
