import { connect } from 'node:net'
import type { Knock } from '../config/config.ts'
import { ICMP, TCP } from '../packet/packet.ts'
import { sendDatagram } from './datagram.ts'
import type { Destination } from './destination.ts'
import { sendPing } from './ping.ts'

/** The bytes of payload of a UDP knock without a size. Daemons ignore it. */
const PAYLOAD_BYTES = 1

/**
 * Sends one knock. It resolves after the kernel has accepted the packet, so that awaiting it keeps the order. It
 * rejects with the system's error if the kernel refuses the packet (no route, no such source address, forbidden).
 * Answers from the network are ignored.
 *
 * @param heldMs milliseconds for which a TCP socket stays open, so that the kernel repeats an unanswered SYN
 */
export type Send = (knock: Knock, destination: Destination, heldMs?: number) => Promise<void>

/** Sends through ordinary sockets, without privileges; pings as {@link sendPing} says. */
export const send: Send = async ({ protocol, port, size }, destination, heldMs = 0) => {
  if (protocol === TCP) await sendSyn(port, destination, heldMs)
  else if (protocol === ICMP) await sendPing(size, destination)
  else await sendDatagram(new Uint8Array(size ?? PAYLOAD_BYTES), port, destination)
}

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
