import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { EtcdAccess } from '../../../etcd/access.ts'
import { FLEET_CONF, findOperatorFolder } from '../../../fleet/operator.ts'
import { FleetSettingsError, loadAccess, loadOperatorSettings } from '../../../fleet/settings.ts'
import type { OperatorSettings } from '../../../fleet/settings.ts'

/** The folder of a host's place in a fleet. */
const HOST_FOLDER = '/etc/postern/fleet'

/** A fleet as this machine knows it, as an operator's or as a host. */
export interface FleetHere {
  readonly folder: string
  readonly settings: OperatorSettings
  readonly access: EtcdAccess
  /** The name of this host; empty: this is an operator's folder. */
  readonly host: string
}

/** Finds the fleet: in the folder that is given, in that of an operator, or in that of this host. @throws FleetSettingsError or FileError */
export function fleetHere(given: string | undefined, hostFolder = HOST_FOLDER): FleetHere {
  const folder = given ?? findFolder(hostFolder)
  const settings = loadOperatorSettings(join(folder, FLEET_CONF))
  return { folder, settings, access: loadAccess(settings), host: settings.host ?? '' }
}

function findFolder(hostFolder: string): string {
  try {
    return findOperatorFolder(undefined)
  } catch (error) {
    if (error instanceof FleetSettingsError && existsSync(join(hostFolder, FLEET_CONF))) return hostFolder
    throw error
  }
}
