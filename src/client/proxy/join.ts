import { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Bytes that may wait in a stream before its source is asked to wait too: a few of what the loop reads at once. */
export const WAITING_MAX_BYTES = 1_048_576

const STDIN = 0
const STDOUT = 1

/**
 * Standard input as a pipe or socket, which ssh gives to its ProxyCommand; whatever else it may be is read as Node does.
 * Its own stream: process.stdin holds less.
 */
export function standardInput(): Readable {
  try {
    return new Socket({ fd: STDIN, readable: true, writable: false, ...LIMITS })
  } catch {
    return process.stdin
  }
}

/** Standard output likewise. Its own stream, because process.stdout cannot be ended before the process is. */
export function standardOutput(): Writable {
  try {
    return new Socket({ fd: STDOUT, readable: false, writable: true, ...LIMITS })
  } catch {
    return process.stdout
  }
}

const LIMITS = { highWaterMark: WAITING_MAX_BYTES }

/**
 * Joins a connection and the two ends of whoever ran the proxy, until both directions have ended: the end of one is passed
 * on and leaves the other be. No more is read than the other side takes. Ends quietly when nobody reads the output any
 * more, or takes what is sent after its own end. Rejects with the system's error when the connection breaks.
 */
export async function join(socket: Socket, input: Readable, output: Writable): Promise<void> {
  // An error of one stream ends the others with the same error: who was first tells what has happened.
  let first: Duplex | Readable | Writable | undefined
  for (const stream of [socket, input, output]) stream.once('error', () => (first ??= stream))
  const inward = pipeline(socket, output).catch((error: unknown) => {
    input.destroy()
    if (first !== output || (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  })
  const outward = pipeline(input, socket).catch((error: unknown) => {
    // Of the other two the other direction tells: a connection that had ended is no failure if it breaks then.
    if (first === input) throw error
  })
  await Promise.all([inward, outward])
}
