import { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const STDOUT = 1

/**
 * Standard output as a stream that can be ended before the process is, unlike process.stdout: the end of a connection is to
 * be seen there. Only of a pipe or socket, which ssh gives to its ProxyCommand; whatever else it may be is process.stdout.
 */
export function standardOutput(): Writable {
  try {
    return new Socket({ fd: STDOUT, readable: false, writable: true })
  } catch {
    return process.stdout
  }
}

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
