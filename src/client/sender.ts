import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Knock } from '../config/config.ts'
import { TCP } from '../packet/packet.ts'
import type { Destination } from './destination.ts'

/** The byte a UDP knock carries; no daemon looks at it. */
const PAYLOAD = new Uint8Array(1)

/**
 * Sends one knock. Resolves once the packet is the kernel's, so that whoever waits for it keeps the order; rejects with
 * the system's error when the kernel does not take it (no route, no such source address, forbidden). What the network
 * answers, if anything, is nobody's business.
 *
 * @param heldMs milliseconds for which a TCP socket stays afterwards, so that the kernel repeats a SYN without an answer
 */
export type Send = (knock: Knock, destination: Destination, heldMs?: number) => Promise<void>

/** Sends through ordinary sockets, which needs no privilege. */
export const send: Send = async (knock, destination, heldMs = 0) =>
  knock.protocol === TCP ? sendSyn(knock.port, destination, heldMs) : sendDatagram(knock.port, destination)

/** One SYN: the socket is closed as soon as connect(2) has returned, so the kernel repeats none; or once it was held. */
async function sendSyn(port: number, { address, source }: Destination, heldMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, ...(source === undefined ? {} : { localAddress: source }) })
    socket.once('error', reject)
    // Told right before connect(2), in the same turn of the loop: no answer of the network can come in between.
    socket.once('connectionAttempt', () => {
      process.nextTick(() => {
        if (socket.errored === null) resolve()
        else reject(socket.errored)
        socket.on('error', () => undefined)
        if (heldMs === 0) socket.destroy()
        else {
          const held = setTimeout(() => socket.destroy(), heldMs)
          socket.once('close', () => clearTimeout(held))
          // Somebody listens there: a connection is not what was wanted.
          socket.once('connect', () => socket.destroy())
        }
      })
    })
  })
}

async function sendDatagram(port: number, { address, family, source }: Destination): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      // The address is resolved already.
      lookup: (host, _options, done) => done(null, host, family),
    })
    socket.once('error', (error) => {
      socket.close()
      reject(error)
    })
    socket.bind({ port: 0, ...(source === undefined ? {} : { address: source }) }, () => {
      socket.send(PAYLOAD, port, address, (error) => {
        socket.close()
        if (error === null) resolve()
        else reject(error)
      })
    })
  })
}
