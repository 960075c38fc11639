import { lstatSync, readdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Account } from '../../file/account.ts'
import { FileError } from '../../file/file-error.ts'
import { FleetSettingsError, loadSettings } from '../../fleet/settings.ts'
import { giveAll, letEnter } from './hand-over.ts'
import { giveFolder, requireRootFolder, takeFolder } from './root-files.ts'
import type { RunsAs } from './settle.ts'

/**
 * Gives this host's folder of the fleet to the user that the daemon runs as, and creates it if it is missing.
 * A folder of another user is put aside: that user could have written anything there. All of it is still in etcd.
 * Never throws: without the folder the daemon goes on, and its doors of the fleet stay shut.
 *
 * @param file the fleet.conf. If it cannot be used, nothing is done: the daemon says why
 * @param account `undefined`: the daemon stays root
 * @returns notices for the log
 */
export function settleFleet(file: string, account: Account | undefined): RunsAs['notices'] {
  try {
    const { stateFolder } = loadSettings(file)
    const aside = putAside(stateFolder, account)
    if (account !== undefined) giveState(stateFolder, account)
    return aside === undefined ? [] : [{ level: 'error', text: aside }]
  } catch (error) {
    // The daemon reads the file itself, and reports what is wrong.
    if (error instanceof FleetSettingsError || error instanceof FileError) return []
    return [{ level: 'error', text: (error as Error).message }]
  }
}

/** Puts the folder of another user aside. @returns what was done */
function putAside(folder: string, account: Account | undefined): string | undefined {
  const uid = lstatSync(folder, { throwIfNoEntry: false })?.uid ?? 0
  if (uid === 0 || uid === account?.uid) return undefined
  requireRootFolder(dirname(folder), 0o700)
  const aside = `${folder}.before-${process.pid}`
  renameSync(folder, aside)
  return `${folder} was another user's (uid ${uid}): it is ${aside} now, and the fleet's users come from etcd`
}

function giveState(folder: string, account: Account): void {
  const parent = dirname(folder)
  requireRootFolder(parent, 0o700)
  if (lstatSync(folder, { throwIfNoEntry: false })?.uid !== account.uid) {
    takeFolder(folder)
    for (const name of readdirSync(folder)) giveAll(join(folder, name), account)
    giveFolder(folder, 0o700, account)
  }
  letEnter(dirname(parent), parent, account)
  letEnter(parent, folder, account)
}
