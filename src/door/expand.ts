import { protocolName } from '../config/service.ts'
import { formatAddress } from '../packet/address.ts'
import type { Opening } from '../state/opening.ts'
import type { Grant } from './grant.ts'

/** Replaces every `%IP%` of a command by an address. An address has no characters that are special to a shell. */
export function expand(command: string, address: string): string {
  return command.replaceAll('%IP%', address)
}

/** Returns the facts of an opening as environment variables, for scripts. */
export function commandEnvironment({ door, source, protocol, port, user, claimedUser }: Grant): Opening['environment'] {
  return {
    POSTERN_DOOR: door.name,
    POSTERN_IP: formatAddress(source),
    POSTERN_FAMILY: String(source.family),
    POSTERN_PROTOCOL: protocolName(protocol),
    POSTERN_PORT: String(port),
    ...(user === undefined ? {} : { POSTERN_USER: user }),
    ...(claimedUser === undefined ? {} : { POSTERN_CLAIMED_USER: claimedUser }),
  }
}
