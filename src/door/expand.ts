import { UDP } from '../packet/packet.ts'
import type { Protocol } from '../packet/packet.ts'
import type { Family } from '../packet/address.ts'

/** A command with every `%IP%` replaced by an address, which is digits, letters, dots and colons: nothing to a shell. */
export function expand(command: string, address: string): string {
  return command.replaceAll('%IP%', address)
}

/** What a door's commands are told. */
export interface Circumstances {
  readonly door: string
  readonly address: string
  readonly family: Family
  readonly protocol: Protocol
  /** Of the last knock. */
  readonly port: number
  /** Who opens it, where the door has several users. */
  readonly user?: string | undefined
  /** Whom a packet claims to be by, which nothing proves. */
  readonly claimedUser?: string | undefined
}

/** The same as environment variables, for scripts. */
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
