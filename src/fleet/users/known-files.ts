import type { Door } from '../../config/config.ts'
import { secretPath } from '../../config/secret.ts'
import type { Fault } from '../../text/fault.ts'
import { USERS_KINDS, kindOfName, kindOfSecret, unitsOf } from './kinds.ts'
import type { UsersEntry, UsersKind, UsersSet } from './kinds.ts'
import type { UsersFiles } from './users-document.ts'

/** A door, and the file of the fleet that it names. */
export interface DoorOfFleet {
  readonly door: Door
  /** The name of the file or folder. */
  readonly unit: string
  readonly kind: UsersKind
}

/** Returns the doors whose files are among the fleet's. */
export function doorsOfFleet(doors: readonly Door[], nameOf: UsersSet['nameOf']): readonly DoorOfFleet[] {
  return doors.flatMap((door): readonly DoorOfFleet[] => {
    const path = secretPath(door.secret)
    const unit = path === undefined ? undefined : nameOf(path)
    const kind = kindOfSecret(door.secret)
    return unit === undefined || kind === undefined ? [] : [{ door, unit, kind }]
  })
}

/** Files with the kinds that a host's doors give them, or else the ends of their names. */
export class KnownFiles implements UsersSet {
  readonly files: UsersFiles
  readonly nameOf: UsersSet['nameOf']
  readonly #kinds: ReadonlyMap<string, UsersKind>

  constructor(files: UsersFiles, nameOf: UsersSet['nameOf'], doors: readonly DoorOfFleet[] = []) {
    this.files = files
    this.nameOf = nameOf
    this.#kinds = new Map(doors.map(({ unit, kind }) => [unit, kind]))
  }

  /** The names of files and folders. */
  get units(): readonly string[] {
    return unitsOf(this.files.keys())
  }

  kindOf(unit: string): UsersKind | undefined {
    return this.#kinds.get(unit) ?? kindOfName(unit)
  }

  /** Returns the faults of a file or folder, by the daemon's own reader. One of an unknown kind has none. */
  faultsOf(unit: string): readonly Fault[] {
    const kind = this.kindOf(unit)
    const paths = [...this.files.keys()].filter((path) => path === unit || path.startsWith(`${unit}/`))
    if (kind === undefined || paths.length === 0) return []
    const { directive, maxBytes, read } = USERS_KINDS[kind]
    const refused = (message: string, hint: string, file = unit): Fault => {
      return { severity: 'error', file, line: 1, column: 1, message, hint }
    }
    const isFolder = !this.files.has(unit)
    if (isFolder !== (kind === 'knockknock')) {
      const [is, named] = isFolder ? ['folder', 'file'] : ['file', 'folder']
      return [refused(`this is a ${is}`, `${directive} names a ${named}`)]
    }
    const large = paths.filter((path) => this.files.get(path)!.length > maxBytes)
    if (large.length > 0) {
      return large.map((path) => refused('the file is too large', `at most ${maxBytes} bytes`, path))
    }
    return read(unit, this).faults.map((fault) => inFile(fault, unit))
  }

  /** Returns those in a file or folder with other contents. One that is missing, or of an unknown kind, has nobody. */
  entriesOf(unit: string, files: UsersFiles): readonly UsersEntry[] {
    const kind = this.kindOf(unit)
    const isThere = kind === 'knockknock' ? files.size > 0 && !files.has(unit) : files.has(unit)
    if (kind === undefined || !isThere) return []
    // An access.conf includes other files of the set.
    return USERS_KINDS[kind].read(unit, { files: new Map([...this.files, ...files]), nameOf: this.nameOf }).entries
  }
}

/** Returns a fault with the file in which it is, unless it names one. */
function inFile(fault: Fault, file: string): Fault {
  return fault.file === undefined ? { ...fault, file } : fault
}
