import type { FlagTest } from '../config/config.ts'
import type { Address } from '../packet/address.ts'
import { sameAddress } from '../packet/address.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { OPENING_FLAGS } from '../gate/terms.ts'
import type { Secret } from '../gate/secret.ts'

/** Which packets the gate has to see. */
export interface Needs {
  /** UDP ports that are knocked at; empty: no UDP at all. */
  readonly udpPorts: ReadonlySet<number>
  /** TCP ports that are knocked at with packets other than a connection's first, by the flags they need. */
  readonly flagged: readonly { readonly test: FlagTest; readonly ports: ReadonlySet<number> }[]
  /** Every port that is knocked at with TCP. */
  readonly tcpPorts: ReadonlySet<number>
  /** Addresses beside the host's own. */
  readonly targets: readonly Address[]
  /** Lengths that single packets have, in bytes of payload, over UDP to whatever port; empty: none is waited for. */
  readonly datagrams: readonly Lengths[]
}

/** Lengths of payloads in bytes, both ends included. */
export interface Lengths {
  readonly first: number
  readonly last: number
}

/** What single packets need to be seen of the traffic. */
export interface PacketNeeds {
  readonly datagrams: readonly Lengths[]
  /** Ports to which a SYN may be such a packet. */
  readonly synPorts: readonly number[]
}

const NO_PACKETS: PacketNeeds = { datagrams: [], synPorts: [] }

/** What these sequences and single packets need to be seen of the traffic. */
export function needsOf(secrets: Iterable<Secret>, { datagrams, synPorts }: PacketNeeds = NO_PACKETS): Needs {
  const udpPorts = new Set<number>()
  const tcpPorts = new Set<number>(synPorts)
  const flagged: { test: FlagTest; ports: Set<number> }[] = []
  const targets: Address[] = []
  for (const { knocks, terms } of secrets) {
    for (const { protocol, port } of knocks) (protocol === UDP ? udpPorts : tcpPorts).add(port)
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
  return { udpPorts, tcpPorts, flagged, targets, datagrams }
}

/** Whether every packet these flags ask for is a connection's first, which is let through anyway. */
function impliesOpening(flags: FlagTest): boolean {
  return (flags.mask & OPENING_FLAGS.mask) === OPENING_FLAGS.mask && (flags.want & OPENING_FLAGS.mask) === 0
}
