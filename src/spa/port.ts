import type { Protocol } from '../packet/packet.ts'

/** A port that a packet asks for. */
export interface Port {
  readonly protocol: Protocol
  /** A port number from 1 to 65535. */
  readonly port: number
}
