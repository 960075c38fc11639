import { createSocket } from 'node:dgram'
import type { Destination } from './destination.ts'

/**
 * Sends one datagram. It resolves after the kernel has accepted it, and rejects with the system's error if the kernel
 * refuses it.
 *
 * @param sourcePort the source port; default: any
 */
export async function sendDatagram(
  bytes: Uint8Array,
  port: number,
  { address, family, source }: Destination,
  sourcePort = 0,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      // The address is already resolved.
      lookup: (host, _options, done) => done(null, host, family),
    })
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ port: sourcePort, ...(source === undefined ? {} : { address: source }) }, () => {
      socket.send(bytes, port, address, (error) => {
        socket.close()
        if (error === null) resolve()
        else reject(error)
      })
    })
  })
}
