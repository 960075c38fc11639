import { closeSync, openSync } from 'node:fs'
import type { Config } from '../../config/config.ts'
import { rootNeed } from '../../config/privilege.ts'
import { reasonOf } from '../../file/file-error.ts'
import { LOG_FILE_MODE } from '../../log/file.ts'
import { faultAt, formatFault } from '../../text/fault.ts'
import type { Fault } from '../../text/fault.ts'
import { ConfigError } from '../config-file.ts'
import type { RunsAs } from './settle.ts'

const RESTART = 'restart knockd: a reload has no right to it'

/**
 * Refuses a config for which the daemon would have to be root, another user, or in another fleet, at the lines that
 * need it.
 *
 * @param joined the `Fleet` that the daemon joined at its start; `undefined`: none
 * @throws ConfigError (as a rejection) with every such line
 */
export async function refuseReload(
  present: Config,
  next: Config,
  { account }: Pick<RunsAs, 'account'>,
  joined: string | undefined,
): Promise<void> {
  const faults = [...fleetFaults(joined, next), ...(await faultsOf(present, next, account !== undefined))]
  if (faults.length > 0) throw new ConfigError(faults.map((fault) => formatFault(next.file, fault)).join('\n'))
}

/** A door of a fleet that the daemon did not join at its start would use up its secrets on this host alone. */
function fleetFaults(joined: string | undefined, { options, doors, places }: Config): readonly Fault[] {
  if (joined === options.fleet || doors.every(({ scope }) => scope !== 'fleet')) return []
  const hint = 'restart knockd: it joins a fleet at its start alone'
  return [faultAt('error', places.options.fleet?.line ?? 1, 1, '`Fleet` is another one than at the start', hint)]
}

/** Loads the module for the reloads of a daemon with a `User`. Others never need it. */
async function keyFiles(): Promise<typeof import('../../peer/key-files.ts')> {
  return await import('../../peer/key-files.ts')
}

/** Loads what a reload needs, while it is there: an upgrade removes it. */
export async function prepareReload({ account }: Pick<RunsAs, 'account'>): Promise<void> {
  if (account !== undefined) await keyFiles()
}

async function faultsOf(present: Config, next: Config, isUser: boolean): Promise<readonly Fault[]> {
  const { options, places } = next
  const changed = (key: 'user' | 'controlGroup', name: string): readonly Fault[] => {
    if (present.options[key] === options[key]) return []
    // A directive that was taken out has no line any more.
    return [faultAt('error', places.options[key]?.line ?? 1, 1, `${name} is another one than at the start`, RESTART)]
  }
  const user = changed('user', '`User`')
  if (!isUser || user.length > 0) return user
  const { faultsOfBarred } = await keyFiles()
  const need = rootNeed(next)
  const root = need === undefined ? [] : [faultAt('error', need.line, 1, `only root can do this: ${need.why}`, RESTART)]
  const log = options.logFile === present.options.logFile ? undefined : options.logFile
  const barred = log === undefined ? undefined : reasonAgainst(log)
  const logs = barred === undefined ? [] : [faultAt('error', places.options.logFile?.line ?? 1, 1, barred, RESTART)]
  return [...root, ...changed('controlGroup', '`Control_Group`'), ...logs, ...faultsOfBarred(next)]
}

/** Returns why this process cannot append to a log file, which may be missing; `undefined`: it can. */
function reasonAgainst(path: string): string | undefined {
  try {
    closeSync(openSync(path, 'a', LOG_FILE_MODE.json))
    return undefined
  } catch (error) {
    return `cannot open the log file ${path}: ${reasonOf(error)}`
  }
}
