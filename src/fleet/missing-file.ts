import { FileError } from '../file/file-error.ts'
import { shellWord } from '../text/shell-word.ts'

/** The files that fleet.conf names, by the names of their directives in the code. */
export type FleetFile = 'caFile' | 'certFile' | 'keyFile' | 'signKeyFile' | 'fleetKeyFile' | 'loginFile'

/** A place in a fleet, as far as it tells where a file comes from. An operator's has no `host`. */
export interface FilePlace {
  readonly fleet: string
  readonly host?: string
}

const FROM_HOST = 'copy it from another host of the fleet'
const LOGIN = 'one line, NAME:PASSWORD, as etcd has them; without access control, take this line out'

/** Returns what brings a missing file back. */
export function remedyOf(file: FleetFile, { fleet, host = '' }: FilePlace): string {
  if (file === 'loginFile') return LOGIN
  return host === '' ? ofOperator(file, fleet) : ofHost(file, host)
}

function ofHost(file: FleetFile, host: string): string {
  if (file === 'caFile' || file === 'fleetKeyFile') return FROM_HOST
  return `copy it from a backup of this host, or let it join again: ${joinAgain(host)}`
}

/** Returns how a host gets a new certificate and new keys. */
export function joinAgain(host: string): string {
  return `an operator types postern fleet invite ${shellWord(host)} --replace; here, move the folder of fleet.conf away, then sudo postern fleet join`
}

function ofOperator(file: FleetFile, fleet: string): string {
  if (file === 'fleetKeyFile') return 'copy it from a host of the fleet: a new key would hide all users from the hosts'
  if (file === 'signKeyFile') {
    return `copy it from a backup of this folder, or make a key of your own: postern fleet init ${shellWord(fleet)} --operator NAME`
  }
  return `copy it from a backup of this folder; with the authority in it: postern fleet init ${shellWord(fleet)}`
}

/** Reads a file, and gives what its absence means as a hint. @throws FileError, or what `read` throws */
export function orHint<T>(read: () => T, hint: string): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof FileError) || error.reason !== 'missing') throw error
    throw new FileError(error.path, error.reason, error.fault, hint, error)
  }
}
