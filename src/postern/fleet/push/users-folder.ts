import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../../../cli/fault.ts'
import { FileError, fileErrorOf } from '../../../file/file-error.ts'
import { SECRET } from '../../../file/policy.ts'
import { readPrivateFile } from '../../../file/private-file.ts'
import { faultsOf } from '../../../fleet/users/check-files.ts'
import { USERS_KINDS, kindOfName } from '../../../fleet/users/kinds.ts'
import { KnownFiles } from '../../../fleet/users/known-files.ts'
import { USERS_FILES_MAX, USERS_TOTAL_MAX_BYTES, foldersOf, isFileName } from '../../../fleet/users/users-document.ts'
import { USERS_LINK } from '../../../fleet/users/users-folder.ts'
import { faultAt, quote } from '../../../text/fault.ts'
import type { Fault } from '../../../text/fault.ts'

const ENDS = Object.keys(USERS_KINDS)
  .map((kind) => `.${kind}`)
  .join(', ')
/** The path of a file on a host, and its name behind it. State_Folder may differ from host to host. */
const ON_HOSTS = new RegExp(`/${USERS_LINK.replace('.', '\\.')}(?:/(.*))?$`)

/** Returns the name of a file of the fleet by its path on a host; `undefined`: it is elsewhere. */
export function nameOnHosts(path: string): string | undefined {
  const match = ON_HOSTS.exec(path)
  return match === null ? undefined : (match[1] ?? '')
}

/** The files of a folder, and their faults. Each names its file within the folder. */
export interface FolderReading {
  readonly known: KnownFiles
  readonly faults: readonly Fault[]
}

/**
 * Reads a folder of users by the readers and policies of the daemon. Hidden files are left out, as of editors.
 *
 * @throws Failure if there are no files, or more than a fleet can have
 */
export async function readUsersFolder(folder: string): Promise<FolderReading> {
  const files = new Map<string, Buffer>()
  const faults: Fault[] = []
  let bytes = 0
  const names = namesIn(folder)
  if (names.length === 0) {
    throw new Failure(
      `${folder}: there are no files`,
      'to revoke the access of everybody, leave the files there, empty',
    )
  }
  if (names.length > USERS_FILES_MAX) throw new Failure(`${folder}: too many files`, `at most ${USERS_FILES_MAX}`)
  for (const name of names) {
    if (!isFileName(name)) {
      const hint =
        'letters, digits, dots, dashes and underscores, 64 at most; folders only for profiles: NAME.knockknock/USER/FILE'
      faults.push(faultAt('error', 1, 1, `${quote(name)} is not a name for a file of users`, hint, name))
      continue
    }
    const { policy, maxBytes } = USERS_KINDS[kindOfName(foldersOf(name)[0] ?? name) ?? 'users']
    try {
      const isKnown = kindOfName(foldersOf(name)[0] ?? name) !== undefined
      const content = readPrivateFile(join(folder, name), maxBytes, isKnown ? policy : SECRET)
      files.set(name, content)
      bytes += content.length
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      faults.push(faultAt('error', 1, 1, error.fault, error.hint, name))
    }
    if (bytes > USERS_TOTAL_MAX_BYTES) {
      throw new Failure(
        `${folder}: the files are too large`,
        `at most ${USERS_TOTAL_MAX_BYTES / 1_048_576} MiB together`,
      )
    }
  }
  const known = new KnownFiles(files, nameOnHosts)
  const unknown = known.units.filter((unit) => known.kindOf(unit) === undefined)
  faults.push(
    ...unknown.map((unit) =>
      faultAt('warning', 1, 1, 'not checked here: the kind of this file is unknown', `names end with ${ENDS}`, unit),
    ),
  )
  return { known, faults: [...faults, ...(await faultsOf(known))] }
}

/** Returns the paths of all files below a folder. @throws Failure */
function namesIn(folder: string, below = ''): readonly string[] {
  const path = join(folder, below)
  let entries: readonly string[]
  try {
    entries = readdirSync(path)
  } catch (error) {
    const { fault, hint } = fileErrorOf(path, error)
    throw new Failure(`${path}: ${fault}`, hint, error)
  }
  return entries
    .filter((entry) => !entry.startsWith('.'))
    .sort()
    .flatMap((entry) => {
      const name = join(below, entry)
      // A path that is too deep is refused with its name.
      const isFolder =
        name.split('/').length < 4 && statSync(join(folder, name), { throwIfNoEntry: false })?.isDirectory()
      return isFolder === true ? namesIn(folder, name) : [name]
    })
}
