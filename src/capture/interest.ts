import type { FlagTest } from '../config/config.ts'
import type { Address } from '../packet/address.ts'
import { sameAddress } from '../packet/address.ts'
import { ICMP, TCP } from '../packet/packet.ts'
import { OPENING_FLAGS } from '../config/flags.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Lengths, PacketNeeds } from './needs.ts'

/** The traffic that has to be captured. */
export interface CaptureInterest {
  /** UDP ports of knocks with any payload. */
  readonly udpPorts: ReadonlySet<number>
  /** UDP ports of knocks with a payload of a certain length, and these lengths in bytes. */
  readonly sizedPorts: ReadonlySet<number>
  readonly sizes: ReadonlySet<number>
  /** The payloads in bytes of pings that are knocks. If empty, no ping is captured. */
  readonly pingSizes: ReadonlySet<number>
  /** TCP ports of knocks that are not the first packet of a connection, with the flags of those knocks. */
  readonly flagged: readonly { readonly test: FlagTest; readonly ports: ReadonlySet<number> }[]
  /** Every TCP port of a knock. */
  readonly tcpPorts: ReadonlySet<number>
  /** Additional destination addresses besides the host's own. */
  readonly targets: readonly Address[]
  /** The payload lengths of single packets over UDP, in bytes, to any port. If empty, no door needs them. */
  readonly datagrams: readonly Lengths[]
}

const NO_PACKETS: PacketNeeds = { datagrams: [], synPorts: [] }

/** Returns the traffic that these sequences and single packets need. */
export function interestOf(
  secrets: Iterable<GateSequence>,
  { datagrams, synPorts }: PacketNeeds = NO_PACKETS,
): CaptureInterest {
  const udpPorts = new Set<number>()
  const sizedPorts = new Set<number>()
  const sizes = new Set<number>()
  const pingSizes = new Set<number>()
  const tcpPorts = new Set<number>(synPorts)
  const flagged: { test: FlagTest; ports: Set<number> }[] = []
  const targets: Address[] = []
  for (const { knocks, terms } of secrets) {
    for (const { protocol, port, size } of knocks) {
      if (protocol === TCP) tcpPorts.add(port)
      else if (protocol === ICMP) pingSizes.add(size)
      else if (size === undefined) udpPorts.add(port)
      else {
        sizedPorts.add(port)
        sizes.add(size)
      }
    }
    const { flags, target } = terms
    if (target !== undefined && !targets.some((other) => sameAddress(other, target))) targets.push(target)
    if (impliesOpening(flags)) continue
    let group = flagged.find(({ test }) => test.mask === flags.mask && test.want === flags.want)
    if (group === undefined) {
      group = { test: flags, ports: new Set() }
      flagged.push(group)
    }
    for (const { protocol, port } of knocks) if (protocol === TCP) group.ports.add(port)
  }
  return { udpPorts, sizedPorts, sizes, pingSizes, tcpPorts, flagged, targets, datagrams }
}

/** Returns true if the datagram is a knock, by its port and the bytes of its payload. */
export function isKnockedDatagram(
  { udpPorts, sizedPorts, sizes }: CaptureInterest,
  { port, size }: { readonly port: number; readonly size: number },
): boolean {
  return udpPorts.has(port) || (sizedPorts.has(port) && sizes.has(size))
}

/** Returns true if the flags match only first packets of connections. The filter accepts those anyway. */
function impliesOpening(flags: FlagTest): boolean {
  return (flags.mask & OPENING_FLAGS.mask) === OPENING_FLAGS.mask && (flags.want & OPENING_FLAGS.mask) === 0
}
