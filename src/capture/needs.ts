/** A range of payload lengths in bytes, both ends included. */
export interface Lengths {
  readonly first: number
  readonly last: number
}

/** The traffic that single packets need. */
export interface PacketNeeds {
  readonly datagrams: readonly Lengths[]
  /** Ports to which a SYN may be a single packet. */
  readonly synPorts: readonly number[]
}
