import type { Frame } from '../../capture/file/frame.ts'
import type { PacketNeeds } from '../../capture/needs.ts'
import { OPENING_FLAGS } from '../../config/flags.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import type { Packet } from '../../packet/packet.ts'

/** The length and checksum of a UDP header in bytes (RFC 768). A frame that was cut may lack them. */
const UDP_HEADER_REST_BYTES = 4

/**
 * Tells whether a packet may be a single packet that a door needs: `cut` if the capture lacks a part that the daemon
 * reads.
 */
export function mayBeSingle(
  { protocol, port, flags, window, payloadStart, payloadEnd }: Packet,
  { start, end, wireLength }: Pick<Frame, 'start' | 'end' | 'wireLength'>,
  { datagrams, synPorts }: PacketNeeds,
): 'whole' | 'cut' | 'no' {
  const lacks = wireLength - (end - start)
  if (protocol === TCP) {
    // A whole SYN is a knock, too. The decoder takes the window as 0 if it was cut off; SYNs have another one.
    const isSyn = (flags & OPENING_FLAGS.mask) === OPENING_FLAGS.want && synPorts.includes(port)
    return isSyn && lacks > 0 && window === 0 ? 'cut' : 'no'
  }
  if (protocol !== UDP) return 'no'
  const cut = payloadEnd === end ? lacks : 0
  const length = payloadEnd - payloadStart + cut
  const least = length === cut ? length - UDP_HEADER_REST_BYTES : length
  if (!datagrams.some(({ first, last }) => first <= length && least <= last)) return 'no'
  return cut > 0 ? 'cut' : 'whole'
}
