import { UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Family } from '../packet/address.ts'

/** Replaces every `%IP%` of a command by an address. An address has no characters that are special to a shell. */
export function expand(command: string, address: string): string {
  return command.replaceAll('%IP%', address)
}

/** The facts of an opening that its commands get. */
export interface Circumstances {
  readonly door: string
  readonly address: string
  readonly family: Family
  readonly protocol: Protocol
  /** The port of the last knock. */
  readonly port: number
  /** The user who opens it, if the door has several users. */
  readonly user?: string | undefined
  /** The user named in the packet, which nothing proves. */
  readonly claimedUser?: string | undefined
}

/** Returns the facts as environment variables, for scripts. */
export function commandEnvironment(of: Circumstances): Readonly<Record<string, string>> {
  return {
    POSTERN_DOOR: of.door,
    POSTERN_IP: of.address,
    POSTERN_FAMILY: String(of.family),
    POSTERN_PROTOCOL: of.protocol === UDP ? 'udp' : 'tcp',
    POSTERN_PORT: String(of.port),
    ...(of.user === undefined ? {} : { POSTERN_USER: of.user }),
    ...(of.claimedUser === undefined ? {} : { POSTERN_CLAIMED_USER: of.claimedUser }),
  }
}
