import { connect } from 'node:net'
import type { Knock } from '../config/config.ts'
import { TCP } from '../packet/packet.ts'
import { sendDatagram } from './datagram.ts'
import type { Destination } from './destination.ts'

/** The payload byte of a UDP knock. Daemons ignore it. */
const PAYLOAD = new Uint8Array(1)

/**
 * Sends one knock. It resolves after the kernel has accepted the packet, so that awaiting it keeps the order. It
 * rejects with the system's error if the kernel refuses the packet (no route, no such source address, forbidden).
 * Answers from the network are ignored.
 *
 * @param heldMs milliseconds for which a TCP socket stays open, so that the kernel repeats an unanswered SYN
 */
export type Send = (knock: Knock, destination: Destination, heldMs?: number) => Promise<void>

/** Sends through ordinary sockets, without privileges. */
export const send: Send = async (knock, destination, heldMs = 0) =>
  knock.protocol === TCP ? sendSyn(knock.port, destination, heldMs) : sendDatagram(PAYLOAD, knock.port, destination)

/**
 * Sends one SYN. The socket is closed when connect(2) has returned, so that the kernel repeats none, or after `heldMs`.
 */
async function sendSyn(port: number, { address, source }: Destination, heldMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, ...(source === undefined ? {} : { localAddress: source }) })
    socket.once('error', reject)
    // This event comes right before connect(2), in the same turn of the loop. No answer can arrive in between.
    socket.once('connectionAttempt', () => {
      process.nextTick(() => {
        if (socket.errored === null) resolve()
        else reject(socket.errored)
        socket.on('error', () => undefined)
        if (heldMs === 0) socket.destroy()
        else {
          const held = setTimeout(() => socket.destroy(), heldMs)
          socket.once('close', () => clearTimeout(held))
          // The port accepts connections, but no connection is wanted.
          socket.once('connect', () => socket.destroy())
        }
      })
    })
  })
}
