import { Socket } from 'node:net'
import type { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

const STDOUT = 1

/**
 * Returns standard output as a stream that can be closed before the process ends, unlike process.stdout. So its reader
 * sees the end of a connection. This works for a pipe or socket, which ssh gives to its ProxyCommand. For anything
 * else, it returns process.stdout.
 */
export function standardOutput(): Writable {
  try {
    return new Socket({ fd: STDOUT, readable: false, writable: true })
  } catch {
    return process.stdout
  }
}

/**
 * Relays data between a connection and the proxy's input and output, until both directions have ended. The end of one
 * direction is passed on, and the other continues. Data is read only as fast as the other side accepts it. It resolves
 * even if nobody reads the output or the other side has stopped reading. It rejects with the system's error if the
 * connection breaks.
 */
export async function join(socket: Socket, input: Readable, output: Writable): Promise<void> {
  // An error of one stream ends the others with the same error. The first one shows the cause.
  let first: Duplex | Readable | Writable | undefined
  for (const stream of [socket, input, output]) stream.once('error', () => (first ??= stream))
  const inward = pipeline(socket, output).catch((error: unknown) => {
    input.destroy()
    if (first !== output || (error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  })
  const outward = pipeline(input, socket).catch((error: unknown) => {
    // The other direction reports errors of the other two streams. A break after the connection's end is not a failure.
    if (first === input) throw error
  })
  await Promise.all([inward, outward])
}
