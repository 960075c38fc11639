import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Destination } from '../destination.ts'
import type { Trying } from './reach.ts'

/** Returns real connection attempts to a TCP port. A connection stays half open when the other side has ended it. */
export function tryingAt(port: number): Trying<Socket> {
  return {
    connect: async (destination, signal) => open(destination, port, signal),
    discard: (socket) => socket.destroy(),
    pause: async (ms, signal) => pause(ms, undefined, { signal }).catch(() => undefined),
  }
}

async function open({ address, source }: Destination, port: number, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port,
      allowHalfOpen: true,
      // ssh uses the same settings for its own connections. Keystrokes are not delayed, and lost peers are noticed.
      noDelay: true,
      keepAlive: true,
      ...(source === undefined ? {} : { localAddress: source }),
    })
    // Nothing is read until it is known which program will read it.
    socket.pause()
    const abandon = (): void => {
      socket.destroy()
      reject(new Error('abandoned'))
    }
    socket.on('error', reject)
    signal.addEventListener('abort', abandon, { once: true })
    socket.once('connect', () => {
      signal.removeEventListener('abort', abandon)
      resolve(socket)
    })
    socket.once('close', () => signal.removeEventListener('abort', abandon))
  })
}
