import { basename } from 'node:path'
import { localAddresses } from '../../host/local-addresses.ts'
import type { Config, Door } from '../../config/config.ts'
import type { Fault } from '../../text/fault.ts'
import { secretPath } from '../../config/secret.ts'
import { formatService } from '../../config/service.ts'
import { ROOT_RIGHTS, commandFault, ownRights } from '../../peer/fwknop/authenticator/command-rights.ts'
import { forwardsOf } from '../../firewall/guard/plan.ts'
import { sameAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import { allowedBy, allowedText, faultsAtDoor } from '../../peer/fwknop/allowed.ts'
import type { Allowed } from '../../peer/fwknop/allowed.ts'
import type { Stanza } from '../../peer/fwknop/stanza.ts'
import { lookAtAccess } from '../../peer/named-files.ts'

/** The number of stanzas whose rights are shown as lines; the others are counted. */
export const ALLOWED_SHOWN_MAX = 50

/** The rights that the keys of one stanza give at a door. */
export interface AllowedAt extends Allowed {
  readonly door: string
  /** The file and line of the keys: `access.conf:1`. */
  readonly key: string
}

/** Returns the rights of the keys at a config's doors, one entry for each stanza. */
export function allowedIn({ doors }: Config): readonly AllowedAt[] {
  return doors.flatMap((door) =>
    stanzasOf(door).map((stanza) =>
      Object.assign(
        { door: door.name, key: `${basename(stanza.file ?? pathOf(door))}:${stanza.line}` },
        allowedBy(door, stanza, isOwn),
      ),
    ),
  )
}

/** Formats rights as lines. Each line begins with the text `before`. */
export function allowedLines(all: readonly AllowedAt[], before: string): readonly string[] {
  const lines = all
    .slice(0, ALLOWED_SHOWN_MAX)
    .map(({ door, key, ...allowed }) => `${before}door ${door}, ${key}: ${allowedText(allowed)}`)
  const more = all.length - ALLOWED_SHOWN_MAX
  return more > 0 ? [...lines, `${before}and ${more} more stanzas (--json lists them all)`] : lines
}

/** Returns warnings of stanzas that have no effect with their door, or on this machine. */
export function faultsOfAllowed(config: Config): readonly Fault[] {
  const own = config.doors.flatMap((door) => stanzasOf(door).flatMap((stanza) => faultsOfStanza(door, stanza)))
  return [...own, ...faultsOfTargets(config)]
}

function pathOf({ secret }: Door): string {
  return secretPath(secret) ?? ''
}

function stanzasOf({ secret }: Door): readonly Stanza[] {
  return lookAtAccess(secret)?.stanzas ?? []
}

function faultsOfStanza(door: Door, stanza: Stanza): readonly Fault[] {
  const { commands } = stanza
  // This process may lack rights that the daemon has: only missing accounts and programs are reported.
  const rights = { ...ownRights(), ...ROOT_RIGHTS }
  const [message, hint = ''] = (commands && commandFault(commands, rights))?.split('\n') ?? []
  const at = { severity: 'warning', file: stanza.file ?? pathOf(door), column: 1 } as const
  return [
    ...faultsAtDoor(door, stanza, isOwn).map((fault) => Object.assign({ file: pathOf(door) }, fault)),
    ...(message === undefined ? [] : [{ ...at, line: commands!.line, message, hint }]),
  ]
}

/** Returns warnings of Forward_To targets that are an address of this machine: nothing is forwarded to them. */
function faultsOfTargets({ doors }: Config): readonly Fault[] {
  return doors.flatMap((door) =>
    forwardsOf(door).flatMap((service): readonly Fault[] => {
      if (service.host === undefined || !isOwn(service.host)) return []
      const message = `door ${door.name}: Forward_To has ${formatService(service)}, which is an address of this machine`
      const hint = `write \`${formatService({ ...service, host: undefined })}\` for its port`
      return [{ severity: 'warning', line: door.line, column: 1, message, hint }]
    }),
  )
}

function isOwn(address: Address): boolean {
  return localAddresses().some((local) => sameAddress(local, address))
}
