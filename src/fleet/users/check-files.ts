import { setImmediate } from 'node:timers/promises'
import { formatFault } from '../../text/fault.ts'
import type { Fault } from '../../text/fault.ts'
import type { DoorOfFleet, KnownFiles } from './known-files.ts'

/** Most faults that one refusal tells. */
const FAULTS_SAID_MAX = 10

/** Files that cannot be put in force. The message has the place of each fault, one a line. */
export class UsersFilesError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsersFilesError'
  }
}

/** Returns the faults of all files whose kind is known. Each names its file. Packets may go between two files. */
export async function faultsOf(set: KnownFiles): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  for (const unit of set.units) {
    faults.push(...set.faultsOf(unit))
    await setImmediate()
  }
  return faults
}

/**
 * Checks the files of a new version for a host.
 *
 * @param before the names of files and folders in force
 * @throws UsersFilesError if a file has an error, or a door would lose its file
 */
export async function checkFiles(
  set: KnownFiles,
  doors: readonly DoorOfFleet[],
  before: readonly string[],
): Promise<void> {
  const faults = (await faultsOf(set)).filter(({ severity }) => severity === 'error')
  const there = new Set(set.units)
  const lost = doors.filter(({ unit }) => !there.has(unit) && before.includes(unit))
  const lines = [
    ...faults.map((fault) => formatFault('', fault)),
    ...lost.map(({ door, unit }) => {
      const hint = 'leave it there until no door names it'
      return `${unit}: is not there any more, and door ${door.name} of this host needs it\n    ${hint}`
    }),
  ]
  if (lines.length === 0) return
  const left = lines.length - FAULTS_SAID_MAX
  throw new UsersFilesError([...lines.slice(0, FAULTS_SAID_MAX), ...(left > 0 ? [`and ${left} more`] : [])].join('\n'))
}
